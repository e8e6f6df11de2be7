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
      handle(Self.outcome(of: results))
    }
  }

  /// Whether XenStore took all of a batch; what was undone because of another error does not count.
  private static func outcome(
    of results: [Result<XenStoreReply, XenStoreError>]
  ) -> BackendLifecycle.Event {
    for case .failure(let error) in results {
      switch error {
      case .aborted: continue
      case .noEntry, .accessDenied: return .publishFailed(.leafIsGone)
      default: return .publishFailed(.refused("XenStore refuses to write: \(error)"))
      }
    }
    return .published
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
    var nodes = [leaf.path, leaf.node("state"), leaf.node("online")]
    if let frontend = configuration?.frontend {
      nodes += [frontend, frontend.appending("state")]
    }
    submit(nodes.map { .read($0) }, for: .observe)
  }

  private mutating func takeObservation(_ values: [String?]) {
    isObserving = false
    // A leaf that cannot be understood has no frontend to wait for, but is to be answered.
    var frontendState: XenbusState? = .unknown
    if values.count > 3 {
      frontendState = values[3].map { _ in values[4].map(XenbusState.init(text:)) ?? .unknown }
    }
    let observation = BackendLifecycle.Observation(
      leafExists: values[0] != nil,
      backendState: values[1].map(XenbusState.init(text:)),
      online: values[2] == "1",
      frontendState: frontendState)
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
    operations.append(.write(leaf.node("state"), state.text))
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
        .write(leaf.node("error"), reason),
        .write(leaf.node("state"), XenbusState.closed.text),
      ], transaction: true, for: .publish)
  }

  /// Tells the frontend that the target grew: the size, and the state once more.
  mutating func publishCapacity() {
    guard let geometry else { return }
    submit(
      BlockFeatures.capacityNodes(leaf, geometry)
        + [.write(leaf.node("state"), XenbusState.connected.text)],
      transaction: true, for: .publish)
  }
}
