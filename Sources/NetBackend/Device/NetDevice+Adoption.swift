import Logging
import RingTransport

/// Taking over a vif that an earlier process served, without the guest noticing.
extension NetDevice where Xen: ~Copyable, Queues: ~Copyable, Transport: ~Copyable {
  /// Reads what the guest was promised, and then where its rings are.
  mutating func adoptRings() {
    isAdopting = true
    store.readPromises()
  }

  /// Judges what the guest was promised.
  mutating func takePromises(_ values: [String?]) {
    guard isAdopting else { return }
    do throws(NetPromiseError) {
      let promises = try NetPromises(values: values)
      try promises.check(against: uplink)
      promisedQueueCountMax = promises.queueCountMax
      readRing(compares: false)
    } catch {
      failToConnect(error.description)
    }
  }

  /// A guest that was promised several queues, and has them, needs as many at the network side.
  func checkQueueCount(_ parameters: NetRingParameters) throws(NetConnectionError) {
    guard parameters.queues.count <= uplink.queueCountMax else {
      throw .promise(.queues(used: parameters.queues.count, uplink))
    }
  }

  /// The vif cannot be taken over now; the life cycle tries again.
  mutating func logPostponement(_ reason: String) {
    logOnce("the interface cannot be taken over yet", reason)
  }
}
