import Logging
import RingTransport

/// Speaking with XenStore.
extension NetDevice where Xen: ~Copyable, Queues: ~Copyable, Transport: ~Copyable {
  /// Handles all that the store has answered and reported.
  mutating func takeStoreEvents() {
    while !isFinished, let event = store.nextEvent() {
      switch event {
      case .configuration(let values): takeConfiguration(values)
      case .ring(let values, let compares): takeRing(values, compares: compares)
      case .lifecycle(let event): handle(event)
      case .promises(let values): takePromises(values)
      case .changed(let path): takeChange(path)
      case .values(let values, let token): take(values, for: Reading(rawValue: token))
      }
    }
  }

  private mutating func takeConfiguration(_ values: [String?]) {
    do throws(NetConfigurationError) {
      if let reason = options.unusable { throw .unusable(reason) }
      let configuration = try NetConfiguration(values: values, filter: options.filter)
      do throws(PacketFilterError) {
        let filter = try self.filter(configuration.filterExpression)
        policy = VifPolicy(
          filter: filter, rate: configuration.rate, now: now, status: status)
      } catch {
        throw .filter(error)
      }
      if let problem = configuration.rateProblem {
        log.warning("no limit", metadata: ["reason": "\(problem)"])
      }
      self.configuration = configuration
      store.watch(configuration.frontend.appending("request-multicast-control"))
    } catch {
      configurationError = error
    }
    // A leaf that names its frontend is answered whatever else is wrong with it.
    let frontend = configuration?.frontend ?? values[0].flatMap { XenStorePath($0) }
    store.startObserving(frontend: frontend)
  }

  private mutating func filter(
    _ expression: String
  ) throws(PacketFilterError) -> PacketFilter {
    if let known = knownFilter.take(), known.expression == expression { return known }
    return try PacketFilter(expression)
  }

  /// The nodes that change while a vif is in use. The last component says which.
  private mutating func takeChange(_ path: XenStorePath) {
    guard let configuration else { return }
    switch path.description.split(separator: "/").last {
    case "rate": readRate()
    case "request-multicast-control":
      store.read(
        [configuration.frontend.appending("request-multicast-control")],
        token: Reading.multicastControl.rawValue)
    // The leaf's own event comes first, when what is known of it may be old already.
    default: if path == leaf.path { readRate() }
    }
  }

  private mutating func readRate() {
    store.read([leaf.node("rate")], token: Reading.rate.rawValue)
  }

  private mutating func take(_ values: [String?], for reading: Reading?) {
    let value = values[0]
    switch reading {
    case .rate?:
      do throws(NetRateError) {
        policy?.setRate(try NetRate.read(value), now: now)
        log.debug("rate", metadata: ["value": "\(value ?? "none")"])
      } catch {
        policy?.setRate(nil, now: now)
        log.warning("no limit", metadata: ["reason": "\(error)"])
      }
    case .multicastControl?:
      policy?.setFiltersMulticast(value == "1")
    case .headroom?: takeHeadroom(value)
    case nil: break
    }
  }

  /// Asks for the node that a frontend changes before it says that it reconfigures.
  mutating func readHeadroom() {
    guard let configuration else { return handle(.reconfigured) }
    store.read(
      [configuration.frontend.appending("xdp-headroom")], token: Reading.headroom.rawValue)
  }

  private mutating func takeHeadroom(_ value: String?) {
    do throws(NetRingParametersError) {
      let byteCount = try NetRingParameters.headroom(value)
      queues.setHeadroom(byteCount: byteCount)
      ringParameters?.guest.headroomByteCount = byteCount
    } catch {
      log.warning("headroom unchanged", metadata: ["reason": "\(error)"])
    }
    handle(.reconfigured)
  }

  /// Writes a state, alone or with the vif's features.
  mutating func publish(_ state: XenbusState, withFeatures: Bool) {
    // What an earlier process promised ends with the connection that it was promised for.
    if withFeatures { promisedQueueCountMax = nil }
    let operations =
      withFeatures
      ? NetFeatures.nodes(
        leaf, takesOffloads: uplink.takesOffloads, queueCountMax: queueCountMax) : []
    store.publish(state, with: operations)
  }
}
