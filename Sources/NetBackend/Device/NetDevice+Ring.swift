import Logging
import RingTransport

/// Connecting and disconnecting the queues and the control ring.
extension NetDevice where Xen: ~Copyable, Queues: ~Copyable, Transport: ~Copyable {
  /// Looks whether the network side is there.
  mutating func openNetwork() {
    if let configurationError {
      handle(.targetFailed(configurationError.description))
      return
    }
    do throws(NetPortError) {
      try queues.open(uplink)
      handle(.targetOpened)
    } catch {
      if lifecycle.needsAdoption { logPostponement(error.description) }
      handle(.targetFailed(error.description))
    }
  }

  /// Reads where the frontend's rings are.
  mutating func readRing(compares: Bool) {
    let nodes =
      compares
      ? NetRingParameters.changeableNodes(queueCountMax: ringQueueCountMax)
      : NetRingParameters.nodes(queueCountMax: queueCountMax)
    store.readRing(nodes, compares: compares)
  }

  /// Judges the frontend's nodes, and connects or compares.
  mutating func takeRing(_ values: [String?], compares: Bool) {
    let parameters: NetRingParameters
    let queueCountMax = compares ? ringQueueCountMax : queueCountMax
    do throws(NetRingParametersError) {
      parameters = try NetRingParameters(
        values: values, frontendDomain: leaf.frontendDomain, queueCountMax: queueCountMax)
    } catch {
      if compares { handle(.ringChanged) } else { failToConnect(error.description) }
      return
    }
    if compares {
      let isSame =
        parameters.queues == ringParameters?.queues
        && parameters.control == ringParameters?.control
      handle(isSame ? .ringUnchanged : .ringChanged)
      return
    }
    ringQueueCountMax = queueCountMax
    do throws(NetConnectionError) {
      try connect(parameters)
      Urgency.serving.apply()
      log.info(
        isAdopting ? "taken over" : "connected",
        metadata: [
          "after-order-microseconds": "\((MonotonicClock.nanoseconds() - startedAt) / 1000)",
          "queues": "\(parameters.queues.count)",
          "features": "\(parameters.guest.features.rawValue)",
          "control-ring": "\(parameters.control != nil)",
        ])
      isAdopting = false
      lastReason = nil
      handle(.ringConnected)
    } catch {
      failToConnect(error.description)
    }
  }

  /// Says that the rings cannot be connected. Of rings that were to be taken over, nothing is kept
  /// until the next try.
  mutating func failToConnect(_ reason: String) {
    if isAdopting {
      isAdopting = false
      logPostponement(reason)
      disconnectControl()
      _ = disconnectQueues()
    }
    handle(.ringFailed(reason))
  }

  private mutating func connect(_ parameters: NetRingParameters) throws(NetConnectionError) {
    guard let configuration, let policy else { return }
    policy.setFiltersMulticast(parameters.requestsMulticastControl)
    if isAdopting {
      try checkQueueCount(parameters)
      if !policy.restore(now: now) {
        logOnce("taken over without what the guest had set", "nobody kept it")
      }
    } else {
      policy.clear()
    }
    if let place = parameters.control {
      control = try ControlQueue(
        place, frontendDomain: leaf.frontendDomain, queueCount: parameters.queues.count,
        status: status, adopts: isAdopting, hypervisor: &hypervisor)
    }
    try queues.connect(
      parameters.queues, guest: parameters.guest, address: configuration.address, policy: policy,
      adopts: isAdopting)
    ringParameters = parameters
  }

  /// Lets go of everything of the guest, before it sees a state that lets it take it back. What a
  /// queue has taken is answered within its turn, so there is nothing to wait for.
  mutating func quiesce() {
    disconnectControl()
    if let statistics = disconnectQueues() {
      var metadata = statistics.metadata
      metadata["peak-resident-kib"] = ProcessUsage.peakResidentKiB.map { "\($0)" }
      log.info("disconnected", metadata: metadata)
    }
    handle(.quiesced)
  }

  /// Stops the queues; nil when there were none.
  mutating func disconnectQueues() -> NetStatistics? {
    let statistics = queues.disconnect()
    guard ringParameters != nil else { return nil }
    ringParameters = nil
    return statistics
  }

  mutating func disconnectControl() {
    if let old = control.take() { hypervisor.unbind(old.port) }
  }
}
