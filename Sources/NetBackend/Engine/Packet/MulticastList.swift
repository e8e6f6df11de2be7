/// The groups whose frames a guest wants (`feature-multicast-control`).
///
/// Bounded: a guest adds as it likes.
struct MulticastList: Sendable {
  private var addresses = InlineArray<64, EthernetAddress>(repeating: .broadcast)
  /// Addresses in the list.
  private(set) var count = 0

  /// An empty list.
  init() {}

  /// Adds a group, unless it is there already.
  ///
  /// - Returns: false when the list is full.
  mutating func add(_ address: EthernetAddress) -> Bool {
    if position(of: address) != nil { return true }
    guard count < NetLimits.multicastAddressCount else { return false }
    addresses[count] = address
    count += 1
    return true
  }

  /// Removes a group; nothing happens when it is not there.
  mutating func remove(_ address: EthernetAddress) {
    guard let position = position(of: address) else { return }
    count -= 1
    addresses[position] = addresses[count]
  }

  /// Forgets all groups.
  mutating func removeAll() {
    count = 0
  }

  /// The groups, in no particular order.
  subscript(position: Int) -> EthernetAddress {
    precondition(position < count)
    return addresses[position]
  }

  /// Whether a frame to `destination` goes to the guest when it has asked to be spared groups that
  /// are not in the list (`request-multicast-control`). Broadcasts always do.
  func admits(_ destination: EthernetAddress) -> Bool {
    !destination.isMulticast || destination == .broadcast || position(of: destination) != nil
  }

  private func position(of address: EthernetAddress) -> Int? {
    for position in 0..<count where addresses[position] == address { return position }
    return nil
  }
}
