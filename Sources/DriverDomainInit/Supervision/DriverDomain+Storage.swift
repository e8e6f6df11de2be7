import Logging
import RingTransport
import SystemPackage

/// Devices, links and volumes.
extension DriverDomain where Transport: ~Copyable {
  func openDeviceEvents() {
    do throws(Errno) {
      let events = try DeviceEvents()
      try loop.watch(events.descriptor.rawValue, as: .devices, isNew: true)
      deviceEvents = consume events
    } catch {
      // Devices that are there already still work.
      report(["kernel events: \(error)"])
    }
  }

  func rescanSoon() {
    if rescanDeadline == nil {
      rescanDeadline = MonotonicClock.milliseconds() + Self.rescanMilliseconds
    }
  }

  /// Looks at all devices, and makes the links of the image. A full distribution has udev.
  func rescan() {
    rescanDeadline = nil
    status.devices = BlockDeviceScan().devices()
    for device in status.devices {
      log.debug(
        "block device", metadata: ["name": "\(device.name)", "bytes": "\(device.byteCount)"])
    }
    if options.isProcessOne {
      let plan = DeviceLinks.plan(for: status.devices)
      report(DeviceLinks().apply(plan))
      report(plan.ambiguous.map { "/dev/disk/\($0): claimed by several devices, no link" })
    }
    updateStorage()
  }

  func updateStorage() {
    storage.update(now: MonotonicClock.milliseconds(), exists: Files.exists) {
      volume throws(Errno) in
      // A disk with a journal to recover may take longer than the watchdog waits.
      closeWatchdog()
      try Mounts.mount(volume)
      log.info(
        "volume mounted",
        metadata: ["directory": "\(volume.directory)", "device": "\(volume.device)"])
    }
    report(storage.problems)
    updateReadiness()
  }

  /// Whether everything that guests may need is there, or will not come.
  var isSettled: Bool {
    storage.isSettled && network?.readiness.isSettled ?? true
  }

  /// Publishes how far the domain is, and begins to serve when it has come so far.
  func updateReadiness() {
    if isSettled {
      if status.state != .stopping, escalation == nil {
        let isComplete =
          storage.problems.isEmpty && storage.unmountedVolumes.isEmpty && networkProblems.isEmpty
          && network?.problems.isEmpty ?? true
        status.state = isComplete ? .ready : .failed
      }
      if !isServing { watchBackends() }
      openWatchdog()
    }
    publish()
  }

  /// Logs what was not logged before.
  func report(_ problems: [String]) {
    for problem in problems where loggedProblems.insert(problem).inserted {
      log.error("\(problem)")
      // A bound for a disk whose errors differ each time.
      if loggedProblems.count >= 256 { loggedProblems.removeAll() }
    }
  }
}
