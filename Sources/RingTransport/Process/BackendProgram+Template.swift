internal import CLinux
internal import Glibc
internal import SystemPackage

/// How spares come into being: a template is a process that has done what all spares do at their
/// start, and copies itself for each (`clone(2)`). To start a program instead takes its runtime,
/// several times as many page faults, and a network of its own.
///
/// Up to its copies a template has one thread, opens no device and takes no lock that remembers its
/// thread, such as Swift's `Mutex`: a copy has another number.
extension BackendProgram {
  /// Gets ready, and then makes copies of this process until init closes its end.
  ///
  /// - Returns: in each copy what it is; nil in the template, at the end.
  static func serveTemplate(
    _ arguments: BackendArguments<Options>, requestsDescriptor: Int32
  ) throws(BackendProcessError) -> TemplateCopy? {
    // Root's rights stay for the copies to open devices with.
    do throws(SandboxError) {
      try Sandbox.closeDescriptors(except: [requestsDescriptor])
    } catch {
      throw .sandbox(error)
    }
    let socket = TemplateSocket(
      adopting: OwnedFileDescriptor(adopting: FileDescriptor(rawValue: requestsDescriptor)))
    let exit = try prepareSandbox(arguments)
    warmUp()
    rehearse(arguments)
    OwnMemory.passOn()
    OwnMemory.populate()
    do throws(Errno) {
      // Init waits for a copy.
      Urgency.takingOver.apply()
      try socket.announce()
      while let orders = try socket.nextRequest() {
        guard try systemCall({ c_copy_process() }) == 0 else { continue }
        // A group of its own, as init gives to what it starts, before init knows of it.
        try systemCall { setpgid(0, 0) }
        try socket.announce(getpid())
        Urgency.starting.apply()
        return TemplateCopy(ordersDescriptor: orders.release().rawValue, exit: exit)
      }
    } catch {
      throw .open("requests for spares", error)
    }
    return nil
  }

  /// Takes an order as copies will. What code makes when it runs for the first time, of types and
  /// tables, the copies then find made, and room on the heap.
  private static func rehearse(_ arguments: BackendArguments<Options>) {
    // One of them is none of the program's, which costs nothing.
    for leaf in ["backend/vbd/2/51712", "backend/vif/2/0"] {
      do {
        var other: OwnedFileDescriptor?
        let orders = try OrderSocket(spare: &other)
        guard let theirs = other.take() else { return }
        let order = BackendOrder(
          leaf: leaf, arguments: [], configuration: LeafConfiguration(["online": "1"]))
        try orders.send(order, status: StatusPage.makeMemory())
        _ = try takeOrder(from: OrderSocket(adopting: theirs), spare: arguments)
      } catch {
        // Copies do it themselves.
      }
    }
    if let policy = sandbox(arguments.options) {
      _ = FilterProgram(policy.rules(process: getpid())).code
    }
  }
}

/// What a copy of a template knows beside its arguments.
struct TemplateCopy: ~Copyable {
  /// Where its orders come from.
  var ordersDescriptor: Int32
  /// The way back into the network of the one that started the template.
  var exit: SandboxExit?

  /// The same without the number.
  consuming func leaving() -> SandboxExit? { exit }
}
