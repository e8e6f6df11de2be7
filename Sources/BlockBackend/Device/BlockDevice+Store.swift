import Logging
import RingTransport

/// Speaking with XenStore.
extension BlockDevice where Xen: ~Copyable, Storage: ~Copyable, Transport: ~Copyable {
  /// Handles all that the store has answered and reported.
  mutating func takeStoreEvents() {
    while !isFinished, let event = store.nextEvent() {
      switch event {
      case .configuration(let values): takeConfiguration(values)
      case .ring(let values, let compares): takeRing(values, compares: compares)
      case .lifecycle(let event): handle(event)
      case .promises(let values): takePromises(values)
      case .values, .changed: break
      }
    }
  }

  private mutating func takeConfiguration(_ values: [String?]) {
    do throws(BlockConfigurationError) {
      let configuration = try BlockConfiguration(leaf: leaf, values: values)
      storage.announce(configuration.target)
      self.configuration = configuration
    } catch {
      configurationError = error
    }
    store.startObserving(frontend: configuration?.frontend)
  }

  /// Writes a state, alone or with the disk's features.
  mutating func publish(_ state: XenbusState, withFeatures: Bool) {
    var operations: [XenStoreOperation] = []
    if let configuration, let geometry {
      if withFeatures {
        operations = BlockFeatures.nodes(leaf, configuration, geometry)
      } else if state == .connected {
        operations = BlockFeatures.capacityNodes(leaf, geometry)
      }
    }
    store.publish(state, with: operations)
  }

  /// Tells the frontend that the target grew: the size, and the state once more.
  mutating func publishCapacity() {
    guard let geometry else { return }
    store.publish(.connected, with: BlockFeatures.capacityNodes(leaf, geometry))
  }
}
