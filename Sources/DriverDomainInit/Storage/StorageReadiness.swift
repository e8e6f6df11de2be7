import SystemPackage

/// Knows which devices and volumes are still missing, and when guests may be served.
///
/// Guests wait until everything configured is there, or the time is over: a backend that comes
/// before its disk would only report that the disk is missing.
struct StorageReadiness {
  private(set) var missingDevices: [String]
  private(set) var unmountedVolumes: [Configuration.Volume]
  private(set) var mountedVolumes: [Configuration.Volume] = []
  private var mountErrors: [String: Errno] = [:]
  private let deadline: UInt64
  private(set) var isSettled = false

  init(_ configuration: Configuration, now: UInt64) {
    missingDevices = configuration.requiredDevices
    unmountedVolumes = configuration.volumes
    deadline = now + UInt64(configuration.waitSeconds) * 1000
  }

  /// When `update` has to be called at the latest.
  var nextDeadline: UInt64? { isSettled ? nil : deadline }

  /// Looks again, and mounts the volumes whose devices have come, in the order configured.
  mutating func update(
    now: UInt64, exists: (String) -> Bool, mount: (Configuration.Volume) throws(Errno) -> Void
  ) {
    missingDevices.removeAll(where: exists)
    for volume in unmountedVolumes where !missingDevices.contains(volume.device) {
      do throws(Errno) {
        try mount(volume)
        mountErrors[volume.directory] = nil
        mountedVolumes.append(volume)
      } catch {
        mountErrors[volume.directory] = error
      }
    }
    unmountedVolumes.removeAll { mountedVolumes.contains($0) }
    if missingDevices.isEmpty || now >= deadline { isSettled = true }
  }

  /// What an administrator has to know.
  var problems: [String] {
    var problems: [String] = []
    if isSettled { problems = missingDevices.map { "\($0): did not appear in time" } }
    for volume in unmountedVolumes {
      guard let error = mountErrors[volume.directory] else { continue }
      problems.append("mount \(volume.device) on \(volume.directory): \(error)")
    }
    return problems
  }
}
