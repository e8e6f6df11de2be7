import Glibc
import Logging
import RingTransport
import SystemPackage

/// Chooses what to be.
@main
struct Main {
  static func main() {
    let arguments = Arguments.parse(CommandLine.arguments, isProcessOne: getpid() == 1)
    switch arguments.mode {
    case .initProcess: runAsInit()
    case .supervise: exit(supervise(arguments))
    case .help: print(Arguments.helpText, terminator: "")
    case .version: print("driver-domain-init \(SuiteVersion.current)")
    case .copyProgram(let source, let program): exit(copy(source, beside: program))
    case .requestPowerOff: exit(kill(1, SIGTERM))
    case .requestRestart: exit(kill(1, SIGINT))
    case .wrong(let reason):
      print("driver-domain-init: \(reason)\n\n\(Arguments.helpText)", terminator: "")
      exit(2)
    }
  }

  /// PID 1. It ends in reboot(2), and never returns: the kernel would panic.
  private static func runAsInit() -> Never {
    let (configuration, configurationProblems) = Configuration.parse(Startup.commandLine())
    let console = Console.open()
    let log = logger(to: console.log, configuration)
    log.notice("driver-domain-init starts", metadata: ["version": "\(SuiteVersion.current)"])
    let problems = configurationProblems.map(\.description) + Startup.prepare(configuration)
    for problem in problems { log.error("\(problem)") }
    var request = PowerRequest.restart
    do throws(Errno) {
      let programs = BackendPrograms.installed(
        block: BackendPrograms.blockOfImage, network: BackendPrograms.networkOfImage)
      let domain = try DriverDomain<XenStoreConnection>(
        .init(
          isProcessOne: true, configuration: configuration, problems: problems,
          programs: programs, processes: BackendProcess(errorPath: console.path)), log: log
      ) { () throws(Errno) in try XenStoreConnection(socket: nil) }
      switch try domain.run() {
      case .power(let asked): request = asked
      case .escalated:
        // The kernel panics when PID 1 ends, and Dom0 starts the domain anew. Nothing is written to
        // disks before: that may be what hangs.
        console.drain()
        exit(1)
      }
      Mounts.unmount(domain.storage.mountedVolumes, log: log)
    } catch {
      log.critical("init cannot go on", metadata: ["reason": "\(error)"])
    }
    console.drain()
    do throws(Errno) {
      try Startup.end(request)
    } catch {
      log.critical("reboot failed", metadata: ["reason": "\(error)"])
    }
    console.drain()
    // Only an exit is left, which makes the kernel panic and so ends the domain.
    exit(1)
  }

  /// A daemon in a full distribution; gives the exit code.
  private static func supervise(_ arguments: Arguments) -> Int32 {
    let (configuration, problems) = Configuration.parse(arguments.options)
    let log = logger(to: .standardError, configuration)
    for problem in problems { log.error("\(problem)") }
    if !configuration.volumes.isEmpty || !configuration.extraModules.isEmpty {
      log.warning("volumes and modules are the distribution's matter: not touched")
    }
    var served = configuration
    served.awaitedDevices = configuration.requiredDevices
    served.volumes = []
    do throws(Errno) {
      return try serve(arguments, served, problems, log)
    } catch {
      log.critical("cannot go on", metadata: ["reason": "\(error)"])
      return 1
    }
  }

  private static func serve(
    _ arguments: Arguments, _ configuration: Configuration, _ problems: [Configuration.Problem],
    _ log: Logger
  ) throws(Errno) -> Int32 {
    let programs = BackendPrograms.installed(
      block: arguments.blockBackend, network: arguments.networkBackend)
    let options = DriverDomain<XenStoreConnection>.Options(
      isProcessOne: false, configuration: configuration, problems: problems.map(\.description),
      programs: programs, processes: BackendProcess())
    let domain = try DriverDomain<XenStoreConnection>(options, log: log) { () throws(Errno) in
      try XenStoreConnection(socket: arguments.xenStorePath)
    }
    switch try domain.run() {
    case .power: return 0
    case .escalated: return 3
    }
  }

  /// A process of its own, since a disk may be slow; gives the exit code.
  private static func copy(_ source: String, beside program: String) -> Int32 {
    do throws(Errno) {
      try ProgramFile(path: program).copyNew(from: source)
      return 0
    } catch {
      logger(to: .standardError, Configuration()).error(
        "cannot copy a program", metadata: ["file": "\(source)", "reason": "\(error)"])
      return 1
    }
  }

  private static func logger(to file: FileDescriptor, _ configuration: Configuration) -> Logger {
    Logger(label: "driver-domain-init") { _ in
      ConsoleLog(
        console: file, program: "driver-domain-init", level: configuration.logLevel)
    }
  }
}
