/// The state of one end of a split device, as its `state` node spells it (`enum xenbus_state` in
/// `xen/io/xenbus.h`).
public enum XenbusState: UInt8, CaseIterable, Sendable {
  case unknown = 0
  case initialising = 1
  case initWait = 2
  case initialised = 3
  case connected = 4
  case closing = 5
  case closed = 6
  case reconfiguring = 7
  case reconfigured = 8

  /// Reads a `state` node. A text that is no state reads as ``unknown``: the node may be a guest's.
  public init(text: String) {
    self = UInt8(text).flatMap(XenbusState.init(rawValue:)) ?? .unknown
  }
}
