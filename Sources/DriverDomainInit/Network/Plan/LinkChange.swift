/// One step towards the links that are wanted. Links are named, for some do not exist yet.
enum LinkChange: Equatable {
  case createBridge(String)
  /// A persistent TAP device; one that is there already, and like that, is kept.
  case createTap(String)
  case remove(String)
  case setMTU(String, Int)
  case setAddress(String, HardwareAddress)
  case setTransmitQueueLength(String, Int)
  /// No address of the kernel's own making, and no packet of its own (`disable_ipv6`).
  case setIPv6(String, isOn: Bool)
  case attach(String, bridge: String)
  case bringUp(String)

  /// The link that is changed.
  var link: String {
    switch self {
    case .createBridge(let name), .createTap(let name), .remove(let name), .setMTU(let name, _),
      .setAddress(let name, _), .setTransmitQueueLength(let name, _), .setIPv6(let name, _),
      .attach(let name, _), .bringUp(let name):
      name
    }
  }
}
