import Logging
import RingTransport
import SystemPackage

/// Links, addresses and guests' interfaces.
extension DriverDomain where Transport: ~Copyable {
  /// The network is ours only where there is a backend for interfaces.
  func openNetwork() {
    guard options.programs.network != nil else { return }
    do throws(NetworkError) {
      let network = try NetworkRole(
        options.configuration.network,
        queueCount: options.configuration.queueCountMax ?? HeldQueue.usualCount,
        waitSeconds: options.configuration.waitSeconds, isProcessOne: options.isProcessOne,
        log: log, now: MonotonicClock.milliseconds())
      do throws(Errno) {
        try loop.watch(network.eventDescriptor, as: .links, isNew: true)
      } catch {
        throw .socket(error)
      }
      self.network = network
      refreshLinks()
    } catch {
      networkProblems = ["network: \(error)"]
      report(networkProblems)
    }
  }

  func refreshLinksSoon() {
    if linkDeadline == nil {
      linkDeadline = MonotonicClock.milliseconds() + Self.rescanMilliseconds
    }
  }

  /// Brings links and addresses to what is configured, and publishes what came of it.
  func refreshLinks() {
    linkDeadline = nil
    network?.refresh(now: MonotonicClock.milliseconds())
    finishNetworkTurn()
  }

  func reachNetworkDeadline(_ now: UInt64) {
    guard let network else { return }
    network.timeReached(now: now)
    // The readiness has a deadline of its own; looking at the links once more serves it.
    if !network.readiness.isSettled { network.refresh(now: now) }
    finishNetworkTurn()
  }

  func receiveAddresses() {
    network?.receive(now: MonotonicClock.milliseconds())
    finishNetworkTurn()
  }

  private func finishNetworkTurn() {
    guard let network else { return }
    for descriptor in network.takeNewDescriptors() {
      do throws(Errno) {
        try loop.watch(descriptor, as: .dhcp, isNew: true)
      } catch {
        report(["DHCP: \(error)"])
      }
    }
    report(network.problems)
    updateReadiness()
  }

  /// Makes the backend's end of an interface, and starts its process, with the reason if it cannot
  /// be served: only a backend can tell the toolstack.
  func startInterface(_ leaf: BackendLeaf, _ results: [Result<XenStoreReply, XenStoreError>]) {
    var nodes: [String: String] = [:]
    var failure: String?
    for (name, result) in zip(InterfacePlan.nodeNames, results) {
      switch result {
      case .success(.value(let value)): nodes[name] = value
      case .failure(.noEntry), .success: break
      case .failure(let error): failure = "\(leaf.node(name)): \(error)"
      }
    }
    if let failure {
      handle(.startFailed(leaf, reason: failure))
      return
    }
    guard let program = options.programs.network else { return }
    let service =
      network?.prepare(leaf, nodes: nodes)
      ?? InterfaceService(uplink: "tap:none", unusable: networkProblems.joined(separator: "; "))
    let command = BackendCommand.network(program, leaf, service, options.configuration)
    // One that cannot be served now may be served the next time.
    commands[leaf] = service.unusable == nil ? command : nil
    handle(start(leaf, command))
  }

  /// Once, after the first look at all leaves: what an earlier init made for those that are gone.
  func removeStaleInterfaces(_ leaves: [BackendLeaf]) {
    guard !hasRemovedStaleInterfaces else { return }
    hasRemovedStaleInterfaces = true
    network?.removeStale(leaves: leaves)
  }
}
