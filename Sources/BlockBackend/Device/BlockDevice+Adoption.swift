import Logging
import RingTransport

/// Taking over a disk that an earlier process served, without the guest noticing.
extension BlockDevice where Xen: ~Copyable, Storage: ~Copyable, Transport: ~Copyable {
  /// Reads what the guest was promised, and then where its ring is.
  mutating func adoptRing() {
    isAdopting = true
    store.read(BlockPromises.nodes.map { leaf.node($0) }, token: 0)
  }

  /// Judges what the guest was promised.
  mutating func takePromises(_ values: [String?]) {
    guard isAdopting, let geometry else { return }
    do throws(BlockPromiseError) {
      let promises = try BlockPromises(values: values)
      self.geometry = try promises.keep(in: geometry)
      promisedSectorCount = promises.sectorCount
      store.readRing(RingParameters.nodes, compares: false)
    } catch {
      postponeAdoption(error.description)
    }
  }

  /// The ring is ours: goes on where the earlier process was.
  mutating func finishAdoption() {
    isAdopting = false
    lastReason = nil
    handle(.ringConnected)
    if let geometry, geometry.sectorCount > promisedSectorCount { handle(.capacityChanged) }
  }

  /// The disk cannot be taken over now; the life cycle tries again.
  mutating func postponeAdoption(_ reason: String) {
    isAdopting = false
    logOnce("the disk cannot be taken over yet", reason)
    handle(.ringFailed(reason))
  }
}
