import Logging
import RingTransport

/// How the backend of one guest's interface is to serve it.
struct InterfaceService: Equatable {
  /// `tap:vif2.0`, `packet:eth1` or `pcap:eth1`.
  var uplink: String
  var filter: String?
  /// Why it cannot be served; the backend says so to the toolstack.
  var unusable: String?
}

/// Guests' interfaces.
extension NetworkRole {
  /// The toolstack names bridges; more than this are a mistake that it repeats.
  static let bridgeCountMax = 32

  /// Makes the backend's end of a guest's interface, from the leaf's nodes.
  func prepare(_ leaf: BackendLeaf, nodes: [String: String]) -> InterfaceService {
    let name = InterfaceName.backendEnd(of: leaf)
    var service = InterfaceService(uplink: "tap:" + (name ?? "none"))
    do throws(InterfaceRefusal) {
      let plan = try InterfacePlan(leaf, nodes: nodes)
      service.filter = configuration.filter(for: plan.address)
      guard readLinks() else { throw .bridge("the network interfaces cannot be listed") }
      if let direct = configuration.directUplinks[plan.bridge] {
        service.uplink = "\(direct.method.rawValue):\(direct.interface)"
        guard links.contains(where: { $0.name == direct.interface }) else {
          throw .network(.noLink(direct.interface))
        }
        return service
      }
      guard let name else { throw .nameTooLong(leaf) }
      try makeTap(name, plan)
    } catch {
      log.error(
        "interface cannot be served", metadata: ["device": "\(leaf)", "reason": "\(error)"])
      service.unusable = "\(error)"
    }
    return service
  }

  private func makeTap(_ name: String, _ plan: InterfacePlan) throws(InterfaceRefusal) {
    if let kind = conflict(plan.bridge) {
      throw .network(.wrongKind(plan.bridge, kind: kind, wanted: Link.bridgeKind))
    }
    let bridge = links.first { $0.name == plan.bridge }
    if bridge == nil {
      let isOurs = configuration.bridges.contains { $0.name == plan.bridge }
      guard isProcessOne || isOurs else {
        throw .bridge("the bridge \(plan.bridge) does not exist in the driver domain")
      }
      let count = links.count { $0.kind == Link.bridgeKind }
      guard count < Self.bridgeCountMax else { throw .tooManyBridges(count) }
    }
    let changes = plan.changes(
      tap: name, bridge: bridge, configuredMTU: configuration.mtus[plan.bridge])
    do throws(NetworkError) {
      try control.apply(changes)
    } catch {
      throw .network(error)
    }
  }

  /// What backends of an interface get of its TAP device; nothing where it has none.
  func heldQueues(of leaf: BackendLeaf) -> [HeldQueue] {
    InterfaceName.backendEnd(of: leaf).map { control.heldQueues(of: $0) } ?? []
  }

  /// Removes the backend's end of an interface that is gone, and whose process has ended.
  func release(_ leaf: BackendLeaf) {
    guard let name = InterfaceName.backendEnd(of: leaf), readLinks() else { return }
    remove(links.filter { $0.name == name && $0.kind == Link.tapKind }.map { .remove($0.name) })
  }

  /// Removes what an earlier init left for interfaces that are gone.
  func removeStale(leaves: [BackendLeaf]) {
    guard readLinks() else { return }
    remove(InterfacePlan.stale(links, leaves: leaves))
  }

  private func remove(_ changes: [LinkChange]) {
    for change in changes {
      do throws(NetworkError) {
        try control.apply(change)
        log.info("interface removed", metadata: ["interface": "\(change.link)"])
      } catch {
        log.error("interface stays", metadata: ["reason": "\(error)"])
      }
    }
  }
}
