import RingTransport

/// How a guest's device gets its backend directory again, in a driver domain that was created anew
/// with the old number. Pure.
///
/// The new leaf says what the old one said: then the death of a domain is to the backend what the
/// death of a process is, and it takes the device over.
struct RebuildPlan: Equatable {
  let device: GuestDevice
  let driverDomain: DomainIdentifier
  /// What the leaf is to hold; nil when it is there already.
  let contents: LeafContents?

  /// Nodes that libxl writes at first and the driver domain goes on from. Of all others that libxl
  /// wrote, its own notes count: a driver domain that was taken over has no say in what it is to
  /// serve after its death.
  static let changingNodes: Set<String> = ["state", "online", "hotplug-status", "hotplug-error"]

  /// - Parameters:
  ///   - promises: the last known contents of the old leaf.
  ///   - isPresent: the leaf is there: somebody attached the device after the domain was created.
  init(
    _ device: GuestDevice, of driverDomain: DomainIdentifier, promises: LeafContents?,
    isPresent: Bool
  ) {
    self.device = device
    self.driverDomain = driverDomain
    if isPresent {
      contents = nil
      return
    }
    var nodes = promises?.nodes ?? [:]
    for (name, value) in device.toolstackNodes
    where !Self.changingNodes.contains(name) || nodes[name] == nil { nodes[name] = value }
    let state = Self.state(frontend: device.frontendState, promised: promises?.state)
    nodes["state"] = state.text
    contents = LeafContents(nodes: nodes)
  }

  /// The state that the backend takes over.
  ///
  /// A guest that is connected has seen 4, or goes to 4 by itself as network guests do: there the
  /// copy may be late by one change, and 4 is right in either case. It must never see 5 or 6 that
  /// it had not seen before.
  static func state(frontend: XenbusState?, promised: XenbusState?) -> XenbusState {
    if frontend == .connected && promised != .closing && promised != .closed { return .connected }
    if let promised, promised != .unknown { return promised }
    switch frontend {
    case .initialised: return .initWait
    case .closing, .closed: return .closing
    default: return .initialising
    }
  }

  private var driverDomainOwns: [XenStorePermission] {
    [.init(.none, driverDomain), .init(.read, device.leaf.frontendDomain)]
  }

  /// As libxl makes the guest's directory. xenstored takes no notice of entries that are older than
  /// the domain they name, so they have to be set anew.
  private var guestOwns: [XenStorePermission] {
    [.init(.none, device.leaf.frontendDomain), .init(.read, driverDomain)]
  }

  /// Lets the driver domain read a node of the guest. The guest may remove it at any moment.
  func permission(for node: XenStorePath) -> XenStoreOperation {
    .setPermissions(node, guestOwns)
  }

  /// The transaction that makes the leaf. It fails as a whole when the guest's directory is gone.
  var operations: [XenStoreOperation] {
    var operations = [permission(for: device.frontend)]
    if device.leaf.kind == .virtualInterface {
      // The one node in the guest's directory that is the driver domain's, so it died with it.
      let mtu = device.frontend.appending("mtu")
      operations += [
        .write(mtu, device.toolstackNodes["mtu"] ?? "1500"),
        .setPermissions(mtu, driverDomainOwns),
      ]
    }
    guard let contents else { return operations }
    let leaf = StorePaths.leaf(device.leaf, in: driverDomain)
    operations += [.makeDirectory(leaf), .setPermissions(leaf, driverDomainOwns)]
    // Nodes made by Dom0 inherit the directory's access list.
    for (name, value) in contents.nodes.sorted(by: { $0.key < $1.key }) {
      operations.append(.write(leaf.appending(name), value))
    }
    return operations
  }
}
