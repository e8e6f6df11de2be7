import CLinux
import Glibc
import Logging
import RingTransport
import SystemPackage

/// `ddctl run`: the service of one driver domain.
struct RunCommand {
  let file: String

  /// One service for a driver domain: the lock is the process's, so it goes with it.
  private static let lockDirectory = "/run/driver-domains"
  private static let fileByteCountMax = 65_536
  /// Tells systemd that another start would end in the same way.
  private static let configurationStatus: Int32 = 2

  /// Serves until the domain has ended for good or SIGTERM; gives the exit code.
  func run() -> Int32 {
    let log = Logger(label: "ddctl") { _ in
      ConsoleLog(console: .standardError, program: "ddctl", level: .info)
    }
    do {
      let configuration = try KeeperConfiguration(text: try text())
      let lock = try lock(name: configuration.name)
      defer { lock.keep() }
      // Before libxl, whose children inherit the mask and do not mind.
      let signals = OwnedFileDescriptor(
        adopting: FileDescriptor(rawValue: try systemCall { c_open_stop_signals() }))
      signal(SIGPIPE, SIG_IGN)
      guard var tools = XenLightToolstack() else {
        log.critical("no hypervisor interface: is this Dom0, and are you root?")
        return 1
      }
      var store = Store(try XenStoreSocketTransport())
      // A domain that was made by hand has the number that it had, even when it and its service
      // are dead.
      let noted = try store.notedDomain(named: configuration.name)
      guard
        let domain = configuration.domain ?? tools.number(ofDomainNamed: configuration.name)
          ?? noted
      else {
        log.critical("the configuration has no ddctl_domid = NUMBER, and no such domain runs")
        return Self.configurationStatus
      }
      let subject = KeeperService<XenLightToolstack, XenStoreSocketTransport>.Subject(
        name: configuration.name, domain: domain, readySeconds: configuration.readySeconds,
        images: [configuration.kernel, configuration.ramdisk].compactMap { $0 })
      let file = file
      var service = KeeperService(subject, tools: tools, store: store, log: log) {
        Self.describe(file, log)
      }
      try service.begin(process: getpid())
      return try Self.serve(&service, signals, log)
    } catch {
      log.critical("cannot go on", metadata: ["reason": "\(error)"])
      return error is KeeperConfigurationError ? Self.configurationStatus : 1
    }
  }

  private static func serve(
    _ service: inout KeeperService<XenLightToolstack, XenStoreSocketTransport>,
    _ signals: borrowing OwnedFileDescriptor, _ log: Logger
  ) throws -> Int32 {
    var entries = [
      pollfd(fd: signals.rawValue, events: Int16(POLLIN), revents: 0),
      pollfd(fd: service.store.fileDescriptor, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      var timeout: Int32 = 0
      switch try service.turn(now: MonotonicClock.milliseconds()) {
      case .finished: return 0
      case .goOn: break
      case .rest(nil): timeout = -1
      case .rest(let until?):
        let now = MonotonicClock.milliseconds()
        timeout = Int32(clamping: until > now ? until - now : 0)
      }
      // SAFETY: the entries are ours, alive and unshared for the length of the call.
      _ = try systemCall { unsafe poll(&entries, 2, timeout) }
      if entries[0].revents != 0 {
        log.notice("told to end: the domain is left as it is")
        return 0
      }
    }
  }

  private func text() throws -> String {
    let file = try OwnedFileDescriptor.open(FilePath(file), .readOnly)
    var buffer = [UInt8](repeating: 0, count: Self.fileByteCountMax)
    var count = 0
    while count < buffer.count {
      // SAFETY: the call writes inside the rest of the buffer only.
      let taken = try systemCall {
        unsafe buffer[count...].withUnsafeMutableBytes {
          unsafe read(file.rawValue, $0.baseAddress, $0.count)
        }
      }
      if taken == 0 { break }
      count += taken
    }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  private func lock(name: String) throws -> ServiceLock {
    // SAFETY: the call copies the path. That it exists already is the usual case.
    _ = unsafe mkdir(Self.lockDirectory, 0o755)
    do throws(Errno) {
      return try ServiceLock(path: "\(Self.lockDirectory)/\(name).lock")
    } catch {
      if error == .wouldBlock { throw KeeperError.alreadyKept(name) }
      throw error
    }
  }

  /// Has `xl` parse the file. What is wrong with it `xl` says on standard error.
  private static func describe(_ file: String, _ log: Logger) -> DomainDescription? {
    do throws(Errno) {
      let outcome = try Command(["xl", "create", "-q", "-n", file]).run()
      if outcome.status == 0 { return DomainDescription(output: outcome.output) }
    } catch {
      log.error("cannot run xl", metadata: ["reason": "\(error)"])
    }
    return nil
  }
}
