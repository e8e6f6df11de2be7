import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Lists links, and carries out changes of them.
struct LinkControl: ~Copyable {
  private var socket: NetlinkSocket
  /// How many queues a TAP gets.
  private let queueCount: Int
  /// The queues of each TAP that was made here, by its name.
  private var heldQueues: [String: [HeldQueue]] = [:]

  /// - Parameter queueCount: how many queues each TAP gets, one at least.
  init(queueCount: Int = 1) throws(NetworkError) {
    self.queueCount = queueCount
    socket = try NetlinkSocket()
  }

  /// The queues that are held of a TAP that was made here.
  func heldQueues(of name: String) -> [HeldQueue] { heldQueues[name] ?? [] }

  /// The speed of a card that has a carrier; nil for what has none.
  func speedMegabits(of name: String) -> Int? { socket.speedMegabits(of: name) }

  /// All links, in the order of their indices.
  mutating func links() throws(NetworkError) -> [Link] {
    try socket.dump(.listLinks, "list the network interfaces").compactMap { Link($0) }
      .sorted { $0.index < $1.index }
  }

  /// Carries out changes in order, up to the first that fails.
  mutating func apply(_ changes: [LinkChange]) throws(NetworkError) {
    for change in changes { try apply(change) }
  }

  mutating func apply(_ change: LinkChange) throws(NetworkError) {
    let name = change.link
    switch change {
    case .createBridge: try socket.perform(.createBridge(name), "create the bridge \(name)")
    case .createTap: try createTap(name)
    case .remove:
      heldQueues[name] = nil
      try socket.perform(.deleteLink(try index(of: name)), "remove \(name)")
    case .setMTU(_, let mtu):
      try socket.perform(
        .setMTU(mtu, ofLink: try index(of: name)), "set the MTU of \(name) to \(mtu)")
    case .setAddress(_, let address):
      try socket.perform(
        .setAddress(address, ofLink: try index(of: name)), "give \(name) the address \(address)")
    case .setTransmitQueueLength(_, let length):
      try socket.perform(
        .setTransmitQueueLength(length, ofLink: try index(of: name)),
        "set the queue of \(name) to \(length) frames")
    case .setIPv6(_, let isOn): try setIPv6(name, isOn: isOn)
    case .attach(_, let bridge):
      let bridgeIndex = try index(of: bridge)
      try socket.perform(
        .setBridge(bridgeIndex, ofLink: try index(of: name)),
        "make \(name) a port of \(bridge)")
    case .bringUp: try socket.perform(.bringUp(try index(of: name)), "switch \(name) on")
    }
  }

  /// Gives a link an address, and what has no other route a gateway behind it.
  mutating func addAddress(
    _ address: InterfaceAddress, gateway: InternetAddress?, to name: String
  ) throws(NetworkError) {
    let index = try index(of: name)
    try socket.perform(.addAddress(address, toLink: index), "give \(name) the address \(address)")
    guard let gateway else { return }
    try socket.perform(
      .addDefaultRoute(gateway: gateway, link: index),
      "use the gateway \(gateway) of \(name)")
  }

  /// Takes both away. The route goes first: with the address it may be gone already.
  mutating func removeAddress(
    _ address: InterfaceAddress, gateway: InternetAddress?, of name: String
  ) throws(NetworkError) {
    let index = try index(of: name)
    if let gateway {
      // A route that is gone already is as good.
      try? socket.perform(
        .removeDefaultRoute(gateway: gateway, link: index), "remove the gateway \(gateway)")
    }
    try socket.perform(
      .removeAddress(address, ofLink: index), "take the address \(address) from \(name)")
  }

  /// Asked anew each time: a name may have moved to another link since.
  private mutating func index(of name: String) throws(NetworkError) -> Int32 {
    try link(name).index
  }

  private mutating func link(_ name: String) throws(NetworkError) -> Link {
    guard let link = try links().first(where: { $0.name == name }) else { throw .noLink(name) }
    return link
  }

  /// A TAP that is there already, but with other properties, gives way. So does nothing else.
  private mutating func createTap(_ name: String) throws(NetworkError) {
    do throws(Errno) {
      try makePersistentTap(name)
      return
    } catch {
      guard error == .invalidArgument, let old = try links().first(where: { $0.name == name })
      else { throw .tap(name, error) }
      let kind = old.kind ?? "network interface"
      guard kind == Link.tapKind else {
        throw .wrongKind(name, kind: kind, wanted: "TAP device")
      }
      try socket.perform(.deleteLink(old.index), "remove \(name)")
    }
    do throws(Errno) {
      try makePersistentTap(name)
    } catch {
      throw .tap(name, error)
    }
  }

  private mutating func makePersistentTap(_ name: String) throws(Errno) {
    // All backends of the interface use these queues, one after the other. Without the first the
    // link would lose its carrier with each that dies, and the bridge forget who is behind it. The
    // others are not the TAP's to fill before a backend serves them.
    let first = try openQueue(name)
    try systemCall { c_tap_set_persistent(first.descriptor, 1) }
    var queues = [first]
    for _ in 1..<queueCount {
      let queue = try openQueue(name)
      try queue.setAttached(false)
      queues.append(queue)
    }
    heldQueues[name] = queues
  }

  private func openQueue(_ name: String) throws(Errno) -> HeldQueue {
    // SAFETY: the string lives for the length of the call and ends in NUL.
    let number = try systemCall { unsafe c_open_tap(name) }
    return HeldQueue(OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number)))
  }

  private func setIPv6(_ name: String, isOn: Bool) throws(NetworkError) {
    do throws(Errno) {
      try Files.write(isOn ? "0" : "1", to: Self.ipv6Switch(name))
    } catch {
      // A kernel without IPv6 has nothing to switch off.
      if error == .noSuchFileOrDirectory && !isOn { return }
      throw .refused("switch IPv6 of \(name) \(isOn ? "on" : "off")", error, detail: "")
    }
  }

  /// The file that says whether IPv6 is off on a link.
  static func ipv6Switch(_ name: String) -> String {
    "/proc/sys/net/ipv6/conf/\(name)/disable_ipv6"
  }
}
