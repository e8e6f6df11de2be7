import RingTransport

/// A guest's device that is served by our driver domain, as Dom0 knows it: libxl's own notes below
/// `/libxl` say that it exists and whose it is, and nobody but Dom0 can write there.
struct GuestDevice: Equatable {
  let leaf: BackendLeaf
  /// The guest's directory of it, `/local/domain/GUEST/device/KIND/DEVICE`.
  let frontend: XenStorePath
  /// What libxl wrote into the leaf at first.
  let toolstackNodes: [String: String]
  /// The guest's `state`; nil when there is none.
  var frontendState: XenbusState?

  /// libxl's notes have about 15 nodes for a device.
  static let nodeCountMax = 64
  /// As many guests as there can be domains (`DOMID_FIRST_RESERVED` of `xen/xen.h`).
  static let guestCountMax = 0x7FF0
  /// Kinds of devices that libxl knows: less than twenty.
  static let kindCountMax = 64
}

extension Store where Transport: ~Copyable {
  /// The devices of all guests whose backend is the driver domain.
  mutating func guestDevices(
    of driverDomain: DomainIdentifier
  ) throws(KeeperError) -> [GuestDevice] {
    let guests = try children(of: [StorePaths.toolstack], countMax: GuestDevice.guestCountMax)[0]
      .compactMap { UInt16($0) }.map { StorePaths.toolstack(DomainIdentifier(rawValue: $0)) }
    var kinds: [XenStorePath] = []
    let roots = guests.map { $0.appending("device") }
    for (root, names) in zip(
      roots, try children(of: roots, countMax: GuestDevice.kindCountMax))
    {
      kinds += names.filter { $0 == "vbd" || $0 == "vif" }.map { root.appending($0) }
    }
    var notes: [XenStorePath] = []
    for (kind, names) in zip(
      kinds, try children(of: kinds, countMax: LeafContents.deviceCountMax))
    {
      notes += names.map { kind.appending($0) }
    }
    let backends = try values(of: notes.map { $0.appending("backend") })
    let ours = zip(notes, backends).compactMap { note, backend in
      backend.flatMap { Self.device($0, note: note, of: driverDomain) }
    }
    return try complete(Array(ours.prefix(LeafContents.deviceCountMax)))
  }

  /// What a note is about; nil when the backend is not ours.
  private static func device(
    _ backend: String, note: XenStorePath, of driverDomain: DomainIdentifier
  ) -> (leaf: BackendLeaf, note: XenStorePath, frontend: XenStorePath)? {
    // The whole path, not only its end: it has to lie below our domain.
    guard let leaf = BackendLeaf(backend),
      backend == StorePaths.leaf(leaf, in: driverDomain).description
    else { return nil }
    // /libxl/GUEST/device/KIND/DEVICE, where KIND is the frontend's: `vbd` for every disk.
    let names = note.components
    guard names.count == 5, names[1] == leaf.frontendDomain.description,
      names[4] == String(leaf.device)
    else { return nil }
    let frontend = StorePaths.domain(leaf.frontendDomain).appending("device")
      .appending(names[3]).appending(names[4])
    return (leaf, note, frontend)
  }

  private mutating func complete(
    _ found: [(leaf: BackendLeaf, note: XenStorePath, frontend: XenStorePath)]
  ) throws(KeeperError) -> [GuestDevice] {
    let names = try children(
      of: found.map(\.note), countMax: GuestDevice.nodeCountMax)
    let states = try values(of: found.map { $0.frontend.appending("state") })
    var paths: [XenStorePath] = []
    for (device, names) in zip(found, names) { paths += names.map { device.note.appending($0) } }
    var values = try values(of: paths)[...]
    var devices: [GuestDevice] = []
    for (index, device) in found.enumerated() {
      var nodes: [String: String] = [:]
      for name in names[index] {
        if let value = values.popFirst() ?? nil { nodes[name] = value }
      }
      // libxl's note of where the leaf is stands beside the copy of the leaf.
      nodes["backend"] = nil
      devices.append(
        GuestDevice(
          leaf: device.leaf, frontend: device.frontend, toolstackNodes: nodes,
          frontendState: states[index].map { XenbusState(text: $0) }))
    }
    return devices
  }
}
