/// The program's own arguments.
struct Arguments: Equatable {
  /// What the program was called to do.
  enum Mode: Equatable {
    /// PID 1 of a driver domain's image.
    case initProcess
    /// A plain daemon in a full distribution: no mounts, modules, links or reboot.
    case supervise
    case help
    case version
    /// `/sbin/poweroff` and `/sbin/reboot`: the kernel itself answers `control/shutdown` by
    /// running these, and restarts at once when they are missing (Linux drivers/xen/manage.c).
    case requestPowerOff
    case requestRestart
    /// What init calls itself for, in an update: copy a program to beside another.
    case copyProgram(from: String, beside: String)
    case wrong(String)
  }

  var mode: Mode
  /// Words `driver_domain.…=…` given with `--supervise`, joined to a command line.
  var options = ""
  /// Connect here instead of `/dev/xen/xenbus`.
  var xenStorePath: String?
  /// The backends that `--supervise` starts, where they exist.
  var blockBackend = BackendPrograms.blockOfImage
  var networkBackend = BackendPrograms.networkOfImage

  /// Reads the arguments, of which the first is the program's name.
  static func parse(_ arguments: [String], isProcessOne: Bool) -> Arguments {
    let program = arguments.first?.split(separator: "/").last.map(String.init) ?? ""
    if !isProcessOne && program == "poweroff" { return Arguments(mode: .requestPowerOff) }
    if !isProcessOne && program == "reboot" { return Arguments(mode: .requestRestart) }
    // The kernel hands PID 1 every word of its command line that it does not know itself.
    if isProcessOne && !arguments.contains("--supervise") { return Arguments(mode: .initProcess) }
    if arguments.count == 4, arguments[1] == "--copy-program" {
      return Arguments(mode: .copyProgram(from: arguments[2], beside: arguments[3]))
    }
    var result = Arguments(mode: .wrong("--supervise is missing: this process is not PID 1"))
    var rest = arguments.dropFirst()
    while let argument = rest.popFirst() {
      switch argument {
      case "--help", "-h": return Arguments(mode: .help)
      case "--version": return Arguments(mode: .version)
      case "--supervise": result.mode = .supervise
      case "--xenstore", "--block-backend", "--net-backend":
        guard let value = rest.popFirst(), value.hasPrefix("/") else {
          return Arguments(mode: .wrong("\(argument) needs an absolute path"))
        }
        switch argument {
        case "--xenstore": result.xenStorePath = value
        case "--block-backend": result.blockBackend = value
        default: result.networkBackend = value
        }
      case let word where word.hasPrefix("driver_domain."):
        result.options += " \"\(word)\""
      default: return Arguments(mode: .wrong("unknown argument '\(argument)'"))
      }
    }
    return result
  }

  static let helpText = """
    usage: driver-domain-init --supervise [--xenstore PATH] [--block-backend PATH]
             [--net-backend PATH] [OPTION...]
           driver-domain-init --help | --version

    Runs one backend process for each disk and each network interface that the toolstack gives to
    this domain. A process that dies or hangs is followed at once by another, which takes the
    connected device over. What is served depends on which backends exist: /bin/block-backend and
    /bin/net-backend, or those named. As PID 1 (no arguments) it also boots the driver domain.

    Exit codes: 0 after an orderly end, 1 when it cannot go on, 2 for wrong arguments, 3 when the
    backends cannot be kept alive here and the whole domain has to be started anew.

    Options, here or on the kernel's command line:
      driver_domain.log=LEVEL               trace, debug, info, notice, warning, error, critical
      driver_domain.mount=DIR:DEV:TYPE[:ro] mount a volume for image files (repeatable)
      driver_domain.wait=DEV[,DEV...]       devices to wait for before guests are served
      driver_domain.wait_seconds=N          how long to wait for them (10)
      driver_domain.stop_seconds=N          how long backends may drain at shutdown (10)
      driver_domain.hang_seconds=N          a backend without a sign of life for so long is killed
                                            (3; 0 for never)
      driver_domain.escalate=no             go on when a backend cannot be killed, or dies more than
                                            20 times a minute (yes: the domain ends itself)
      driver_domain.watchdog_seconds=N      the hypervisor ends the domain when init stands still
                                            for so long (10; 0 for never); PID 1 only
      driver_domain.modules=NAME[,NAME...]  further modules of the image to load
      driver_domain.block_buffer_kib=N      private buffer of one block backend
      driver_domain.block_poll_microseconds=N
                                            how long a block backend looks for more work before it
                                            sleeps, at most (200; 0 for never)
      driver_domain.bridge=NAME:[UPLINK,...]
                                            a bridge and its NICs, by name or address (repeatable)
      driver_domain.mtu=NAME:N              MTU of a bridge, its NICs and its guests' interfaces
      driver_domain.uplink=NAME:packet:NIC  guests on NAME use the NIC itself; also NAME:pcap:NIC
      driver_domain.address=BRIDGE:dhcp     an address of the domain itself (none), or
      driver_domain.address=BRIDGE:ADDRESS/PREFIX[,GATEWAY], IPv6 addresses in brackets
      driver_domain.queues=N                most queues of one interface (as many as processors)
      driver_domain.filter=EXPRESSION       what guests may send (pcap-filter(7))
      driver_domain.filter.AA-BB-CC-DD-EE-FF=EXPRESSION
                                            the same for the interface with that address

    """
}
