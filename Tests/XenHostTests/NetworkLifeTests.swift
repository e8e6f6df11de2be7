import Testing
import XenHost

extension RealXen {
  /// What a toolstack and a guest do to a network interface over its life.
  @Suite("Network life")
  struct NetworkLifeTests {
    @Test("attached to and detached from a running guest, again and again")
    func hotplug() async throws {
      let host = try await RealXen.host
      let network = try await RealXen.network
      let guest = try await host.startGuest(.guest("net-plugged", memory: 160))
      let interface = network.interface(1)
      for round in 1...RealXen.hotplugRounds {
        let attached = try await host.dom0.run(
          "xl network-attach \(guest.domid) \(interface.words) 2>&1")
        #expect(attached.succeeded, "round \(round): \(attached.output)")
        try await guest.check("until [ -e /sys/class/net/eth0 ]; do usleep 10000; done")
        _ = try await guest.requestAddress()
        #expect(
          try await guest.pingsLost(to: network.outside.address, count: 5) == 0, "round \(round)")
        let detached = try await host.dom0.run(
          "xl network-detach \(guest.domid) \(interface.mac) 2>&1")
        #expect(detached.succeeded, "round \(round): \(detached.output)")
        #expect(!(attached.output + detached.output).contains("error"))
        try await guest.check("while [ -e /sys/class/net/eth0 ]; do usleep 10000; done")
        #expect(try await RealXen.leaves(of: guest.domid) == "", "round \(round)")
      }
      let number = guest.domid
      try await guest.shutdown()
      try await RealXen.expectNothingLeft(of: number, name: "net-plugged")
    }

    @Test("a guest reboots, and has the same address again")
    func reboot() async throws {
      let host = try await RealXen.host
      let network = try await RealXen.network
      let guest = try await host.startGuest(
        .guest("net-reboots", memory: 160, interfaces: [network.interface(1)]))
      let first = guest.domid
      let address = try await guest.requestAddress()
      try await guest.reboot()
      #expect(guest.domid != first)
      #expect(try await guest.requestAddress() == address)
      #expect(try await guest.pingsLost(to: network.outside.address, count: 50) == 0)
      #expect(try await RealXen.leaves(of: first) == "")
      let second = guest.domid
      try await guest.shutdown()
      try await RealXen.expectNothingLeft(of: second, name: "net-reboots")
    }

    @Test("a guest is destroyed under load in both directions, and nothing is left")
    func destroyUnderLoad() async throws {
      let host = try await RealXen.host
      let network = try await RealXen.network
      let pair = try await NetworkPair.start(names: ("net-stays", "net-dies"))
      try await pair.second.serveIperf()
      try await pair.first.check(
        """
        iperf3 -c \(pair.secondAddress) --bidir -t 600 -i 1 --forceflush >/run.log 2>&1 </dev/null &
        until grep -q sec /run.log; do usleep 50000; done
        """)
      let number = pair.second.domid
      let output = try await host.dom0.check("xl destroy \(number) 2>&1")
      #expect(!output.contains("error"), "\(output)")
      try await pair.second.waitUntilGone()
      try await RealXen.expectNothingLeft(of: number, name: "net-dies")
      // The other end of it goes on.
      #expect(try await pair.first.pingsLost(to: network.outside.address, count: 50) == 0)
      let other = pair.first.domid
      try await pair.first.shutdown()
      try await RealXen.expectNothingLeft(of: other, name: "net-stays")
    }

    @Test("a guest is saved and restored with a connection open", arguments: [false, true])
    func saveAndRestore(checkpoint: Bool) async throws {
      let host = try await RealXen.host
      let network = try await RealXen.network
      let guest = try await host.startGuest(
        .guest("net-saved", memory: 160, interfaces: [network.interface(1)]))
      let first = guest.domid
      let address = try await guest.requestAddress()
      // A connection that answers before and after.
      let server = try OutsideServer(running: "cat")
      defer { server.stop() }
      try await guest.check(
        """
        mkfifo /to && setsid nc \(network.outside.address) \(server.port) </to >/from 2>/dev/null &
        until [ -p /to ]; do usleep 10000; done
        sleep 1000 >/to </dev/null 2>/dev/null &
        echo before >/to
        until grep -q before /from; do usleep 20000; done
        """)
      if checkpoint {
        // The guest goes on in place after its state was written.
        try await host.dom0.check("xl save -c \(first) /run/saved.image 2>&1")
      } else {
        try await guest.saveAndRestore(through: "/run/saved.image")
        #expect(try await RealXen.leaves(of: first) == "")
      }
      try await host.dom0.check("rm -f /run/saved.image")
      try await guest.check(
        "echo after >/to; until grep -q after /from; do usleep 20000; done")
      #expect(try await guest.pingsLost(to: network.outside.address, count: 50) == 0)
      #expect(try await guest.check("ip addr show dev eth0").contains(address))
      let last = guest.domid
      // xl's own watcher of a domain ends when the domain was suspended, even for a checkpoint:
      // nobody would clean up after a shutdown.
      try await guest.destroy()
      try await RealXen.expectNothingLeft(of: last, name: "net-saved")
    }
  }
}
