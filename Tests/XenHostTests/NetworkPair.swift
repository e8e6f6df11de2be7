import Testing
import XenHost

/// Two guests on the bridges of the network driver domain, with addresses from the outside's DHCP
/// server on `eth0`, and with addresses of their own on the bridge for large frames on `eth1`.
struct NetworkPair {
  let first: Domain
  let second: Domain
  let firstAddress: String
  let secondAddress: String

  /// The guests' addresses on `eth1`.
  static let firstInside = "192.0.2.1"
  static let secondInside = "192.0.2.2"

  /// Starts both and waits until they have their addresses.
  static func start(
    names: (String, String) = ("net-one", "net-two"), inside: Bool = false, memory: Int = 176
  ) async throws -> NetworkPair {
    let host = try await RealXen.host
    let network = try await RealXen.network
    let guests = try await host.startGuests(
      [(1, names.0), (2, names.1)].map { number, name in
        var interfaces = [network.interface(number)]
        if inside { interfaces.append(network.insideInterface(number)) }
        return .guest(name, memory: memory, interfaces: interfaces)
      })
    let pair = NetworkPair(
      first: guests[0], second: guests[1], firstAddress: try await guests[0].requestAddress(),
      secondAddress: try await guests[1].requestAddress())
    if inside {
      for (guest, address) in [(guests[0], firstInside), (guests[1], secondInside)] {
        try await guest.check(
          "ip link set eth1 mtu 9000 && ip link set eth1 up && ip addr add \(address)/24 dev eth1")
      }
    }
    return pair
  }

  /// Starts two that have an interface on the bridge for large frames only, the second with disks.
  static func startInside(names: (String, String), disks: [Disk]) async throws -> NetworkPair {
    let host = try await RealXen.host
    let network = try await RealXen.network
    let addresses = [firstInside, secondInside]
    let guests = try await host.startGuests([
      .guest(names.0, interfaces: [network.insideInterface(1)]),
      .guest(names.1, disks: disks, interfaces: [network.insideInterface(2)]),
    ])
    for (guest, address) in zip(guests, addresses) {
      try await guest.check(
        "ip link set eth0 mtu 9000 && ip link set eth0 up && ip addr add \(address)/24 dev eth0")
    }
    return NetworkPair(
      first: guests[0], second: guests[1], firstAddress: addresses[0], secondAddress: addresses[1])
  }

  /// Runs `body` and checks that no guest's kernel has seen a damaged packet meanwhile.
  func expectGoodFrames(on interface: String = "eth0", _ body: () async throws -> Void) async throws
  {
    let before = (
      try await first.networkCounters(of: interface),
      try await second.networkCounters(of: interface)
    )
    try await body()
    let after = (
      try await first.networkCounters(of: interface),
      try await second.networkCounters(of: interface)
    )
    for change in [after.0.since(before.0), after.1.since(before.1)] {
      #expect(change.checksumErrors == 0)
      #expect(change.interfaceErrors == 0)
    }
  }

  /// Ends both, and checks that nothing is left of them.
  func shutdown() async throws {
    try await RealXen.shutDown([first, second])
  }
}
