import Logging
import RingTransport

/// Taking over a disk that an earlier process served, without the guest noticing.
extension BlockDevice where Xen: ~Copyable, Storage: ~Copyable, Transport: ~Copyable {
  /// Reads what the guest was promised, and then where its ring is.
  mutating func adoptRing() {
    isAdopting = true
    store.readPromises()
  }

  /// Judges what the guest was promised.
  mutating func takePromises(_ values: [String?]) {
    guard isAdopting else { return }
    guard let geometry, loss == nil else { return postponeAdoption("the target is gone") }
    do throws(BlockPromiseError) {
      let promises = try BlockPromises(values: values)
      self.geometry = try promises.keep(in: geometry)
      promisedSectorCount = promises.sectorCount
      store.readRing(RingParameters.nodes, compares: false)
    } catch {
      measureAgain()
      postponeAdoption(error.description)
    }
  }

  /// Opens the target once more, which may be the right one when the take-over is tried again.
  private mutating func measureAgain() {
    guard let configuration else { return }
    do throws(BlockTargetError) {
      geometry = try storage.open(configuration.target)
    } catch {
      beginLoss()
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
