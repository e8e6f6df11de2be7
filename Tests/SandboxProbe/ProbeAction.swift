import CLinux
import Glibc
import RingTransport
import SystemPackage

/// What a process may try in the sandbox. Each gives whether it worked.
enum ProbeAction: String {
  /// Says so on standard output, and waits to be killed or for the end of standard input.
  case wait
  /// All that a backend does.
  case serve
  /// A queue of an interface.
  case thread
  case openFile = "open-file"
  case openSocket = "open-socket"
  case execute
  case trace
  case signalOthers = "signal-others"
  case fork
  case mapCode = "map-code"
  case protectCode = "protect-code"
  case foreignIoctl = "foreign-ioctl"
  case makeRing = "make-ring"
  case changeUser = "change-user"
  case changeRoot = "change-root"
  case duplicate
  /// Names of hosts and ports, as libpcap looks for them.
  case lookUp = "look-up"
  /// What the opener was told first, and something else after.
  case openAnother = "open-another"
  /// A file that could be opened from the outside; through the opener.
  case openAgain = "open-again"

  func run(_ fixture: consuming ProbeFixture) throws -> Bool {
    switch self {
    case .wait:
      var byte = UInt8(ascii: "r")
      // SAFETY: one byte of ours, for the time of the calls.
      unsafe _ = write(1, &byte, 1)
      unsafe _ = read(0, &byte, 1)
      return true
    case .serve: return try serve(fixture)
    case .thread: return try runThread()
    case .openAgain:
      for verb in 1...3 as ClosedRange<UInt8> {
        var answer = try fixture.opener.open(.init(verb: verb, name: Array("/etc/hostname".utf8)))
        guard answer.bytes == [verb], answer.file.take() != nil else { return false }
      }
      return true
    case .openAnother:
      _ = try fixture.opener.open(.init(verb: 1, name: Array("/etc/hostname".utf8)))
      do throws(Errno) {
        _ = try fixture.opener.open(.init(verb: 1, name: Array("/etc/passwd".utf8)))
      } catch {
        return error != .permissionDenied
      }
      return true
    default: return number() >= 0
    }
  }

  /// The system calls that nobody needs, by their results.
  private func number() -> Int {
    // SAFETY: the calls get texts and lists of ours, which end in zero; what is mapped is not used.
    switch self {
    case .openFile: return Int(unsafe c_open("/", O_RDONLY))
    case .openSocket: return Int(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
    case .execute:
      let words: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
      return Int(unsafe execve("/bin/true", words, words))
    case .trace: return Int(c_probe_trace())
    case .signalOthers: return Int(kill(getppid(), 0))
    case .fork: return Int(c_fork())
    case .mapCode:
      let mapping = unsafe mmap(
        nil, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      return unsafe mapping == MAP_FAILED ? -1 : 0
    case .protectCode:
      let mapping = unsafe mmap(
        nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      return Int(unsafe mprotect(mapping, 4096, PROT_READ | PROT_EXEC))
    case .foreignIoctl: return Int(c_tap_set_persistent(1, 1))
    case .makeRing: return Int(c_probe_make_ring())
    case .changeUser: return Int(c_become_user(0))
    case .changeRoot: return Int(unsafe c_change_root("/"))
    case .duplicate: return Int(dup(1))
    case .lookUp:
      var list: UnsafeMutablePointer<addrinfo>?
      // SAFETY: the calls read the names to their ends, and write a pointer of ours.
      let host = unsafe getaddrinfo("host.example", nil, nil, &list)
      let port = unsafe getservbyname("http", "tcp")
      return unsafe host == 0 || port != nil ? 0 : -1
    default: return -1
    }
  }

  /// Memory, files, events, time, randomness and the log, as a backend uses them.
  private func serve(_ fixture: consuming ProbeFixture) throws -> Bool {
    var isWritten = false
    fixture.loop.write(
      to: fixture.file.rawValue, at: 0, byteCount: 1 << 20, from: fixture.memory, at: 0, token: 7)
    fixture.loop.flush(fixture.file.rawValue, token: 8)
    fixture.loop.punchHole(in: fixture.file.rawValue, at: 0, byteCount: 4096, token: 9)
    var left: Set<Int> = [7, 8, 9]
    while !left.isEmpty {
      try fixture.loop.wait(timeoutNanoseconds: 5_000_000_000)
      while let event = try fixture.loop.nextEvent() {
        guard case .operation(let token, let result) = event else { continue }
        left.remove(token)
        if token == 7 { isWritten = result == 1 << 20 }
      }
    }
    fixture.wakeUp.signal()
    fixture.wakeUp.wait()
    var status = stat()
    // SAFETY: a structure of ours, for the time of the call.
    guard unsafe fstat(fixture.file.rawValue, &status) == 0 else { return false }
    var lists: [[Int]] = []
    for size in 0..<200 { lists.append(Array(repeating: size, count: size * 4096)) }
    let sum = Set(lists.map(\.count)).reduce(0, +)
    let memory = try PrivateMemory(byteCount: 1 << 22)
    return isWritten && sum > 0 && memory.byteCount > 0 && MonotonicClock.nanoseconds() > 0
      && ProcessUsage.peakResidentKiB != nil && UInt64.random(in: 1...9) > 0
  }

  private func runThread() throws -> Bool {
    var thread = pthread_t()
    // SAFETY: the thread uses nothing of ours.
    let result = unsafe pthread_create(
      &thread, nil,
      { _ in
        guard let wakeUp = try? WakeUp(),
          var loop = try? EventLoop(
            eventDescriptor: wakeUp.descriptor, xenStoreDescriptor: nil),
          (try? loop.wait(timeoutNanoseconds: 1_000_000)) != nil
        else { return nil }
        let lists = (0..<100).map { Array(repeating: $0, count: 1 + $0 * 512) }
        // SAFETY: a number that is no address, and not used as one.
        return unsafe UnsafeMutableRawPointer(bitPattern: lists.count)
      }, nil)
    guard result == 0 else { return false }
    var value: UnsafeMutableRawPointer?
    // SAFETY: a pointer of ours, for the time of the call.
    guard unsafe pthread_join(thread, &value) == 0 else { return false }
    return UInt(bitPattern: value) == 100
  }
}
