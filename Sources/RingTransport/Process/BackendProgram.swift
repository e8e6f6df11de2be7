internal import Glibc
internal import Logging
internal import SystemPackage

/// A program that serves one device: what `main` does is the same for all.
public protocol BackendProgram {
  associatedtype Options: Sendable

  /// The program's name, in logs and messages.
  static var name: String { get }
  /// What `--help` prints.
  static var helpText: String { get }

  /// Reads the program's arguments, without its name.
  static func read(_ arguments: [String]) -> BackendArguments<Options>

  /// What the program goes on needing in its sandbox; nil where it cannot have one, with these
  /// options.
  static func sandbox(_ options: Options) -> SandboxPolicy?

  /// How many threads beside the main one may come to speak with the hypervisor.
  static func furtherThreadCount(_ task: BackendTask<Options>) -> Int

  /// What a template does for all spares, so that they are quicker when they are needed.
  static func warmUp()

  /// Whether a device that is taken over waits for its ``Opener``, which is worth a process ahead.
  static var opensInAHurry: Bool { get }

  /// Whether there may come to be something to open, where that is known only with the order. The
  /// task has its devices.
  static func needsOpener(_ task: BackendTask<Options>) -> Bool

  /// Opens what an ``Opener`` is asked for, in a process that has kept its rights.
  static func open(_ request: Opener.Request) -> Opener.Answer

  /// Serves the leaf until the device's life ends. Called on the main thread, in the sandbox.
  static func serve(
    _ task: BackendTask<Options>, hypervisor: consuming XenHypervisor, loop: consuming EventLoop,
    store: consuming XenStoreClient<XenStoreConnection>
  ) throws(BackendProcessError)
}

extension BackendProgram {
  /// Nothing, where a program has nothing to warm up.
  public static func warmUp() {}

  /// As a rule there is something to open.
  public static var opensInAHurry: Bool { true }

  /// As a rule there is.
  public static func needsOpener(_ task: BackendTask<Options>) -> Bool { true }

  /// Does what the arguments say, and returns the exit status: 0 when the device's life ended in
  /// good order, 1 after a failure, 2 for wrong arguments or a malformed order.
  public static func run(_ arguments: some Sequence<String>) -> Int32 {
    let arguments = read(Array(arguments))
    switch arguments.mode {
    case .help:
      print(helpText, terminator: "")
      return 0
    case .version:
      print("\(name) \(SuiteVersion.current)")
      return 0
    case .wrong(let text):
      writeError("\(name): \(text)\n\n" + helpText)
      return 2
    case .serve, .spare:
      return start(arguments, leaving: nil)
    case .template(let requests):
      return startTemplate(arguments, requests)
    }
  }

  private static func startTemplate(
    _ arguments: BackendArguments<Options>, _ requestsDescriptor: Int32
  ) -> Int32 {
    do throws(BackendProcessError) {
      guard
        let copied = try serveTemplate(arguments, requestsDescriptor: requestsDescriptor)
      else { return 0 }
      var arguments = arguments
      arguments.mode = .spare(ordersDescriptor: copied.ordersDescriptor)
      return start(arguments, leaving: copied.leaving())
    } catch {
      log(arguments).error("no template", metadata: ["error": "\(error)"])
      return 1
    }
  }

  /// - Parameter exit: the way out of the network into which a template has gone.
  private static func start(
    _ arguments: BackendArguments<Options>, leaving exit: consuming SandboxExit?
  ) -> Int32 {
    var log = log(arguments)
    do throws(BackendProcessError) {
      try closeDescriptors(arguments, leaving: exit)
      let opener = opensInAHurry ? try makeOpener(arguments, leaving: exit) : nil
      if case .spare = arguments.mode { Urgency.starting.apply() }
      let connection: XenStoreConnection
      do throws(Errno) {
        connection = try XenStoreConnection(socket: arguments.xenStoreSocket)
      } catch {
        throw .open("XenStore", error)
      }
      try serve(arguments, opener, &log, XenStoreClient(connection), leaving: exit)
      return 0
    } catch {
      log.critical("cannot go on", metadata: ["error": "\(error)"])
      if case .order = error { return 2 }
      return 1
    }
  }

  /// Opens what every device needs. A spare waits when that is done, which is most of what a start
  /// takes.
  private static func serve(
    _ arguments: BackendArguments<Options>, _ opener: Opener?, _ log: inout Logger,
    _ store: consuming XenStoreClient<XenStoreConnection>, leaving exit: consuming SandboxExit?
  ) throws(BackendProcessError) {
    let hypervisor: XenHypervisor
    do throws(Errno) {
      hypervisor = try XenHypervisor(defersNotifications: true)
    } catch {
      throw .open("/dev/xen/gntdev and /dev/xen/evtchn", error)
    }
    var loop: EventLoop
    do throws(Errno) {
      loop = try EventLoop(
        eventDescriptor: hypervisor.eventDescriptor,
        grantDescriptor: hypervisor.grantDescriptor, xenStoreDescriptor: store.fileDescriptor)
    } catch {
      throw .open("io_uring", error)
    }
    var exit = exit.take()
    if exit == nil { exit = try prepareSandbox(arguments) }
    let task: BackendTask<Options>?
    switch arguments.mode {
    case .serve(let leaf):
      let status = try openStatus(arguments.statusDescriptor)
      task = BackendTask(
        leaf: leaf, options: arguments.options, log: log, status: status,
        queues: arguments.queueDescriptors.map {
          HeldQueue(OwnedFileDescriptor(adopting: FileDescriptor(rawValue: $0)))
        }, isSandboxed: arguments.isSandboxed)
    case .spare(let descriptor):
      OwnMemory.populate()
      task = try awaitOrder(descriptor, spare: arguments, &loop)
    case .template, .help, .version, .wrong:
      task = nil
    }
    guard var task else { return }
    if case .spare = arguments.mode, task.turn == nil { Urgency.takingOver.apply() }
    task.log[metadataKey: "device"] = "\(task.leaf.frontendDomain)/\(task.leaf.device)"
    log = task.log
    task.devices = try openDevices(furtherThreadCount(task))
    task.opener = opener
    if !opensInAHurry, needsOpener(task) {
      task.opener = try makeOpener(arguments, leaving: exit)
    }
    try enterSandbox(&task, hypervisor, leaving: exit)
    try serve(task, hypervisor: hypervisor, loop: loop, store: store)
  }

  /// Waits until init says which leaf to serve.
  ///
  /// - Returns: nil when it never will.
  private static func awaitOrder(
    _ descriptor: Int32, spare: BackendArguments<Options>, _ loop: inout EventLoop
  ) throws(BackendProcessError) -> BackendTask<Options>? {
    let socket = OrderSocket(
      adopting: OwnedFileDescriptor(adopting: FileDescriptor(rawValue: descriptor)))
    do throws(Errno) {
      guard try loop.waitReadable(descriptor) else { return nil }
    } catch {
      throw .loop(error)
    }
    return try takeOrder(from: socket, spare: spare)
  }

  /// Reads an order, and makes of a spare what it says.
  ///
  /// - Parameters:
  ///   - socket: stays open for an order ahead, whose turn comes over it.
  ///   - spare: the arguments that the spare was started with.
  /// - Returns: nil when the other end is closed.
  package static func takeOrder(
    from socket: consuming OrderSocket, spare: BackendArguments<Options>
  ) throws(BackendProcessError) -> BackendTask<Options>? {
    let message: OrderSocket.Message
    do throws(Errno) { message = try socket.receive() } catch { throw .open("orders", error) }
    switch consume message {
    case .end: return nil
    case .malformed(let reason): throw .order(reason)
    case .order(let order, let status, let queues):
      let ordered = read(spare.lasting + ["--path", order.leaf] + order.arguments)
      guard case .serve(let leaf) = ordered.mode, ordered.statusDescriptor == nil,
        ordered.queueDescriptors.isEmpty
      else {
        if case .wrong(let reason) = ordered.mode { throw .order(reason) }
        throw .order("no leaf to serve")
      }
      // XenStore is what the spare has connected to.
      let number: Int32? =
        switch status {
        case .some(let file): file.rawValue
        case .none: nil
        }
      return BackendTask(
        leaf: leaf, options: ordered.options, configuration: order.configuration,
        log: log(ordered), status: try openStatus(number, begins: !order.isAhead),
        queues: queues, isSandboxed: ordered.isSandboxed,
        turn: order.isAhead ? TurnSignal(socket) : nil)
    }
  }

  private static func openStatus(
    _ descriptor: Int32?, begins: Bool = true
  ) throws(BackendProcessError) -> StatusPage {
    do throws(Errno) {
      let page = try StatusPage(sharing: descriptor)
      if begins { page.begin() }
      return page
    } catch {
      throw .open("the status page", error)
    }
  }

  private static func log(_ arguments: BackendArguments<Options>) -> Logger {
    Logger(label: name) { _ in
      ConsoleLog(console: .standardError, program: name, level: arguments.logLevel)
    }
  }

  private static func writeError(_ text: String) {
    var text = text
    // SAFETY: the call reads the text's bytes and no more.
    text.withUTF8 { bytes in unsafe _ = write(2, bytes.baseAddress, bytes.count) }
  }
}

/// The version of the whole suite.
public enum SuiteVersion {
  /// As `--version` prints it.
  public static let current = "0.1.0"
}
