import Testing
import XenHost

extension RealXen {
  /// Guests that misbehave towards the bridge, and their neighbours.
  @Suite("Network policy")
  struct NetworkPolicyTests {
    /// Linux's backend leaves this to the administrator's rules on the bridge.
    @Test(
      "frames with another source address are dropped and counted", .enabled(if: isOurNetwork))
    func spoofedAddress() async throws {
      let pair = try await NetworkPair.start(names: ("net-honest", "net-liar"))
      let network = try await RealXen.network
      let number = pair.second.domid
      #expect(try await pair.second.pingsLost(to: pair.firstAddress, count: 20) == 0)
      let own = network.interface(2).mac
      let spoofed = 25
      // So that the liar does not first have to be told, to an address that is not its own.
      let neighbour = network.interface(1).mac
      try await pair.second.check(
        """
        ip link set eth0 down && ip link set eth0 address 00:16:3e:66:66:66 && ip link set eth0 up
        ip addr replace \(pair.secondAddress)/24 dev eth0
        arp -s \(pair.firstAddress) \(neighbour)
        """)
      let before = try await pair.first.networkCounters()
      #expect(
        try await pair.second.pingsLost(
          to: pair.firstAddress, count: spoofed, options: "-i 0.02 -W 1") == spoofed)
      let change = try await pair.first.networkCounters().since(before)
      #expect(change.receivedFrames < spoofed, "\(change)")
      // With its own address it is welcome again.
      try await pair.second.check(
        "ip link set eth0 down && ip link set eth0 address \(own) && ip link set eth0 up")
      #expect(try await pair.second.pingsLost(to: pair.firstAddress, count: 20) == 0)
      try await pair.shutdown()
      let counted = network.domain.consoleLog.split(separator: "\n").last {
        $0.contains("disconnected") && $0.contains("device=\(number)/0")
      }
      let count = counted?.split(separator: " ").first { $0.hasPrefix("spoofed=") }
        .flatMap { Int($0.dropFirst("spoofed=".count)) }
      #expect(count ?? 0 >= spoofed, "\(counted ?? "no counters in the log")")
    }

    @Test(
      "a guest that stops receiving does not slow another one", inCompleteRun)
    func stalledGuest() async throws {
      let host = try await RealXen.host
      let network = try await RealXen.network
      let pair = try await NetworkPair.start(names: ("net-lively", "net-stalled"))
      let server = try await host.startGuest(
        .guest("net-server", memory: 160, interfaces: [network.interface(3)]))
      let address = try await server.requestAddress()
      try await server.serveSums()
      let sum = try await pair.first.makeData()
      #expect(try await pair.first.sendData(to: address) == sum)

      // The bridge has to know its place, and the sender must not have to ask for it.
      try await pair.first.check(
        "arp -s \(pair.secondAddress) \(network.interface(2).mac)")
      // More than a ring and the queue before it hold, and it goes on meanwhile.
      try await pair.first.check(
        """
        ping -q -s 1400 -i 0.002 \(pair.secondAddress) >/flood.log 2>&1 </dev/null &
        echo $! >/flood.pid; sleep 3
        """)
      // The flood costs time of its own, so the same with a guest that takes it comes first.
      let clock = ContinuousClock()
      let withLively = try await clock.measure { () async throws in
        #expect(try await pair.first.sendData(to: address) == sum)
      }
      try await host.dom0.check("xl pause \(pair.second.domid)")
      #expect(try await pair.first.pingsLost(to: address, count: 200) == 0)
      #expect(try await pair.first.pingsLost(to: network.outside.address, count: 50) == 0)
      let withStalled = try await clock.measure { () async throws in
        #expect(try await pair.first.sendData(to: address) == sum)
      }
      // A queue that waits for the stalled guest would wait for good.
      #expect(withStalled < withLively * 3 + .seconds(5))
      try await pair.first.check("kill -INT $(cat /flood.pid)")
      try await host.dom0.check("xl unpause \(pair.second.domid)")
      #expect(try await pair.first.pingsLost(to: pair.secondAddress, count: 50) == 0)
      try await server.shutdown()
      try await pair.shutdown()
    }
  }
}
