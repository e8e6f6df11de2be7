internal import Logging
internal import SystemPackage

/// How a backend process gives its rights away: it starts as root, since it opens devices, and
/// serves its guest as nobody.
extension BackendProgram {
  /// Closes what whoever started the process left open.
  ///
  /// - Parameter exit: stays open.
  static func closeDescriptors(
    _ arguments: BackendArguments<Options>, leaving exit: borrowing SandboxExit?
  ) throws(BackendProcessError) {
    var kept = [Int32]()
    if let status = arguments.statusDescriptor { kept.append(status) }
    kept += arguments.queueDescriptors
    if case .spare(let orders) = arguments.mode { kept.append(orders) }
    if let number = exit.descriptor { kept.append(number) }
    do throws(SandboxError) {
      try Sandbox.closeDescriptors(except: kept)
    } catch {
      throw .sandbox(error)
    }
  }

  /// Starts the child that keeps the rights, from a process with one thread.
  ///
  /// - Parameter exit: the way out of a network in which there is nothing to open.
  static func makeOpener(
    _ arguments: BackendArguments<Options>, leaving exit: borrowing SandboxExit?
  ) throws(BackendProcessError) -> Opener? {
    guard arguments.isSandboxed else { return nil }
    var isSpare = false
    if case .spare = arguments.mode { isSpare = true }
    do throws(Errno) {
      return try Opener(
        isSpare: isSpare, isAwaited: opensInAHurry, leaving: exit
      ) { Self.open($0) }
    } catch {
      throw .open("a process that opens", error)
    }
  }

  /// Opens what threads need later.
  static func openDevices(_ count: Int) throws(BackendProcessError) -> [XenDevices] {
    var devices: [XenDevices] = []
    do throws(Errno) {
      for _ in 0..<count { devices.append(try XenDevices()) }
    } catch {
      throw .open("/dev/xen/gntdev and /dev/xen/evtchn", error)
    }
    return devices
  }

  /// Does what needs no order yet.
  ///
  /// - Returns: the network that the process was started in.
  static func prepareSandbox(
    _ arguments: BackendArguments<Options>
  ) throws(BackendProcessError) -> SandboxExit? {
    guard arguments.isSandboxed, let policy = sandbox(arguments.options) else { return nil }
    // To make a network takes the lock of all networks (RTNL), which init and a backend that takes
    // an interface over wait for: who has it must not wait for the processor.
    Urgency.serving.apply()
    defer { if case .spare = arguments.mode { Urgency.starting.apply() } }
    do throws(SandboxError) {
      let exit = try SandboxExit()
      try Sandbox(policy).prepare()
      return exit
    } catch {
      throw .sandbox(error)
    }
  }

  /// Gives all rights away.
  static func enterSandbox(
    _ task: inout BackendTask<Options>, _ hypervisor: borrowing XenHypervisor,
    leaving exit: consuming SandboxExit?
  ) throws(BackendProcessError) {
    do throws(Errno) {
      try hypervisor.restrict(to: task.leaf.frontendDomain)
      for devices in task.devices { try devices.restrict(to: task.leaf.frontendDomain) }
    } catch {
      throw .open("event channels of one guest only", error)
    }
    do throws(SandboxError) {
      if task.isSandboxed, let policy = sandbox(task.options) {
        exit = nil
        return try Sandbox(policy).enter(as: BackendUser(task.leaf))
      }
      task.log.warning("without a sandbox")
      task.opener = nil
      // A spare did not know what it would become.
      if let exit { try exit.leave() }
    } catch {
      throw .sandbox(error)
    }
  }
}
