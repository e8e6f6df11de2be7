/// The state that each end of a split device publishes in its `state` node
/// (`enum xenbus_state` in `xen/io/xenbus.h`).
public enum XenbusState: Int, Hashable, Sendable, CaseIterable {
  /// `XenbusStateUnknown`; also what nonsense in a `state` node is read as.
  case unknown = 0
  /// `XenbusStateInitialising`: what the toolstack writes.
  case initialising = 1
  /// `XenbusStateInitWait`: the backend has published its features.
  case initWait = 2
  /// `XenbusStateInitialised`: the frontend has published its rings.
  case initialised = 3
  /// `XenbusStateConnected`
  case connected = 4
  /// `XenbusStateClosing`
  case closing = 5
  /// `XenbusStateClosed`
  case closed = 6
  /// `XenbusStateReconfiguring`: used for PCI only.
  case reconfiguring = 7
  /// `XenbusStateReconfigured`: used for PCI only.
  case reconfigured = 8

  /// Reads the text of a `state` node. The peer may write there what it likes, so anything but a
  /// known number is ``unknown``, on which nobody acts.
  public init(text: String) {
    self = Int(text).flatMap { XenbusState(rawValue: $0) } ?? .unknown
  }

  /// The number as a `state` node has it.
  public var text: String { String(rawValue) }
}
