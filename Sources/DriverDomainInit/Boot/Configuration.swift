import Logging
import RingTransport

/// What the administrator can choose, all of it on the kernel's command line (`extra=` in the
/// xl configuration), or as arguments with `--supervise`.
struct Configuration: Equatable {
  /// A filesystem to mount before guests are served: the place of image files.
  struct Volume: Equatable {
    var directory: String
    var device: String
    var type: String
    var isReadOnly: Bool
  }

  /// What was wrong with one word of the command line.
  struct Problem: Error, Equatable, CustomStringConvertible {
    var option: String
    var reason: String
    var description: String { "\(option): \(reason)" }
  }

  /// `driver_domain.log`
  var logLevel = Logger.Level.info
  /// `driver_domain.mount`, in the order given
  var volumes: [Volume] = []
  /// `driver_domain.wait`
  var awaitedDevices: [String] = []
  /// `driver_domain.wait_seconds`
  var waitSeconds = 10
  /// `driver_domain.stop_seconds`
  var stopSeconds = 10
  /// `driver_domain.hang_seconds`; 0 for never
  var hangSeconds = 3
  /// `driver_domain.escalate`
  var mayEscalate = true
  /// `driver_domain.watchdog_seconds`; 0 for none
  var watchdogSeconds = 10
  /// `driver_domain.modules`, loaded after those of the image
  var extraModules: [String] = []
  /// `driver_domain.block_buffer_kib`; nil leaves it to the backend
  var blockBufferKiB: Int?
  /// `driver_domain.block_poll_microseconds`; nil leaves it to the backend
  var blockPollMicroseconds: Int?
  var network = NetworkConfiguration()
  /// `driver_domain.queues`, of one interface; nil leaves it to the backend.
  var queueCountMax: Int?

  /// Everything that must be there before the first guest is served.
  var requiredDevices: [String] {
    var seen: Set<String> = []
    return (awaitedDevices + volumes.map(\.device)).filter { seen.insert($0).inserted }
  }
}

extension Configuration {
  /// How many volumes, devices and modules a command line may name. The kernel's command line is
  /// 2048 bytes (COMMAND_LINE_SIZE on x86), which cannot hold more in any useful way.
  static let entryCountMax = 32

  /// Parses all words that start with `driver_domain.`; others are the kernel's. A bad word is
  /// reported and left out, the rest counts.
  static func parse(_ line: String) -> (configuration: Configuration, problems: [Problem]) {
    var configuration = Configuration()
    var problems: [Problem] = []
    for word in KernelCommandLine.words(line) where word.name.hasPrefix("driver_domain.") {
      do throws(Problem) {
        try configuration.apply(word)
      } catch {
        problems.append(error)
      }
    }
    return (configuration, problems)
  }

  private mutating func apply(_ word: KernelCommandLine.Word) throws(Problem) {
    let option = Option(word: word)
    switch word.name {
    case "driver_domain.log": logLevel = try option.logLevel()
    case "driver_domain.mount": try option.append(try option.volume(), to: &volumes)
    case "driver_domain.wait":
      for device in try option.list() {
        try option.append(try option.devicePath(device), to: &awaitedDevices)
      }
    case "driver_domain.wait_seconds": waitSeconds = try option.number(in: 0...600)
    case "driver_domain.stop_seconds": stopSeconds = try option.number(in: 1...600)
    case "driver_domain.queues": queueCountMax = try option.number(in: 1...HeldQueue.countMax)
    case "driver_domain.hang_seconds": hangSeconds = try option.number(in: 0...600)
    case "driver_domain.escalate": mayEscalate = try option.yesOrNo()
    case "driver_domain.watchdog_seconds": watchdogSeconds = try option.watchdogSeconds()
    case "driver_domain.modules":
      for name in try option.list() {
        try option.append(try option.moduleName(name), to: &extraModules)
      }
    case "driver_domain.block_buffer_kib": blockBufferKiB = try option.bufferKiB()
    case "driver_domain.block_poll_microseconds":
      blockPollMicroseconds = try option.number(in: PollWindow.limitMicrosecondsRange)
    default:
      guard try network.apply(option) else { throw option.problem("unknown option") }
    }
  }
}
