import Logging
import RingTransport

/// Opening the target and watching its size.
extension BlockDevice where Xen: ~Copyable, Storage: ~Copyable, Transport: ~Copyable {
  /// How long a busy target is asked for again: its last owner may be a process on its way out.
  /// Well below the 10 s after which libxl gives up.
  static var busyTargetPatience: UInt64 { 3_000_000_000 }
  /// How often. A guest waits meanwhile, and an attempt costs microseconds.
  static var busyTargetInterval: UInt64 { 2_000_000 }
  /// How often a connected disk's target is asked for its size, in nanoseconds. There is no event
  /// that tells for every kind of target.
  static var capacityInterval: UInt64 { 1_000_000_000 }

  /// Opens the target, again and again for a while if it is busy.
  mutating func openTarget() {
    guard let configuration else {
      handle(.targetFailed(configurationError?.description ?? "the leaf cannot be read"))
      return
    }
    let openedSince = openingSince ?? now
    do throws(BlockTargetError) {
      geometry = try storage.open(configuration.target)
      openingSince = nil
      handle(.targetOpened)
    } catch {
      if error.mayPass, now - openedSince < Self.busyTargetPatience {
        openingSince = openedSince
        deadlines.set(.openAgain, now + Self.busyTargetInterval)
        return
      }
      openingSince = nil
      if lifecycle.needsAdoption {
        logOnce("the disk cannot be taken over yet", error.description)
      }
      handle(.targetFailed(error.description))
    }
  }

  /// Tells the frontend when the target has grown. One that shrank is left to fail its requests: no
  /// frontend can take capacity away from a mounted disk.
  mutating func checkCapacity() {
    guard queue != nil else { return }
    deadlines.set(.capacity, now + Self.capacityInterval)
    guard let bytes = storage.currentCapacityBytes, let known = geometry?.capacityBytes,
      bytes > known
    else { return }
    log.info("the target has grown", metadata: ["from": "\(known)", "to": "\(bytes)"])
    geometry?.capacityBytes = bytes
    queue?.geometry.capacityBytes = bytes
    handle(.capacityChanged)
  }
}
