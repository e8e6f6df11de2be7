import Logging
import RingTransport

/// Speaking with XenStore.
extension BlockDevice where Xen: ~Copyable, Storage: ~Copyable, Transport: ~Copyable {
  static var leafToken: String { "leaf" }
  static var frontendToken: String { "frontend" }

  /// Submits a batch and remembers why.
  mutating func submit(
    _ operations: [XenStoreOperation], transaction: Bool = false, for purpose: BatchPurpose
  ) {
    batches[store.submit(operations, transaction: transaction)] = purpose
  }

  /// Handles all that the store has answered and reported.
  mutating func takeStoreEvents() {
    while !isFinished, let event = store.nextEvent() {
      switch event {
      case .watch: observe()
      case .completed(let identifier, let results):
        guard let purpose = batches.removeValue(forKey: identifier) else { continue }
        complete(purpose, results)
      }
    }
  }

  private mutating func complete(
    _ purpose: BatchPurpose, _ results: [Result<XenStoreReply, XenStoreError>]
  ) {
    let values = results.map { result -> String? in
      if case .success(.value(let value)) = result { value } else { nil }
    }
    switch purpose {
    case .watch:
      if case .failure(let error)? = results.first {
        log.error("cannot watch", metadata: ["error": "\(error)"])
      }
    case .readConfiguration: takeConfiguration(values)
    case .observe: takeObservation(values)
    case .readRing(let compares): takeRing(values, compares: compares)
    case .publish:
      let failure = results.compactMap { result -> XenStoreError? in
        if case .failure(let error) = result { error } else { nil }
      }.first
      if let failure {
        log.error("cannot write to the leaf", metadata: ["error": "\(failure)"])
        handle(.publishFailed)
      } else {
        handle(.published)
      }
    case .removeLeaf:
      handle(.leafRemoved)
    }
  }

  private mutating func takeConfiguration(_ values: [String?]) {
    do throws(BlockConfigurationError) {
      let configuration = try BlockConfiguration(leaf: leaf, values: values)
      self.configuration = configuration
      submit(
        [.watch(configuration.frontend.appending("state"), token: Self.frontendToken)],
        for: .watch)
    } catch {
      configurationError = error
    }
    observe()
  }

  /// Reads all that the life cycle judges by; at most one reading is under way.
  private mutating func observe() {
    guard configuration != nil || configurationError != nil else { return }
    guard !isObserving else {
      observesAgain = true
      return
    }
    isObserving = true
    var nodes = [leaf.node("state"), leaf.node("online")]
    if let configuration { nodes.append(configuration.frontend.appending("state")) }
    submit(nodes.map { .read($0) }, for: .observe)
  }

  private mutating func takeObservation(_ values: [String?]) {
    isObserving = false
    let observation = BackendLifecycle.Observation(
      leafExists: values[0] != nil,
      backendState: values[0].map(XenbusState.init(text:)) ?? .unknown,
      online: values[1] == "1",
      frontendState: values.count > 2 ? values[2].map(XenbusState.init(text:)) : nil)
    handle(.observed(observation))
    if observesAgain {
      observesAgain = false
      observe()
    }
  }

  /// Writes a state, alone or with the disk's features, in one transaction.
  mutating func publish(_ state: XenbusState, withFeatures: Bool) {
    var operations: [XenStoreOperation] = []
    if let configuration, let geometry {
      if withFeatures {
        operations = BlockFeatures.nodes(leaf, configuration, geometry)
      } else if state == .connected {
        operations = BlockFeatures.capacityNodes(leaf, geometry)
      }
    }
    operations.append(.write(leaf.node("state"), String(state.rawValue)))
    log.debug("publishing", metadata: ["state": "\(state)"])
    submit(operations, transaction: operations.count > 1, for: .publish)
  }

  /// Tells the toolstack and the administrator why the disk does not work.
  mutating func publishFailure(_ reason: String) {
    log.error("the disk cannot be served", metadata: ["reason": "\(reason)"])
    submit(
      [
        .write(leaf.node("hotplug-error"), reason),
        .write(leaf.node("hotplug-status"), "error"),
        .write(leaf.node("state"), String(XenbusState.closed.rawValue)),
      ], transaction: true, for: .publish)
  }

  /// Tells the frontend that the target grew: the size, and the state once more.
  mutating func publishCapacity() {
    guard let geometry else { return }
    submit(
      BlockFeatures.capacityNodes(leaf, geometry)
        + [.write(leaf.node("state"), String(XenbusState.connected.rawValue))],
      transaction: true, for: .publish)
  }
}
