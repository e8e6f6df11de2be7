import Testing
import XenHost

extension RealXen {
  /// Guests on the bridges of a network driver domain, with each other and with the outside.
  @Suite("Network service")
  struct NetworkServiceTests {
    /// In each direction: enough for all of the ring's indices to come round many times.
    static let mebibytes = RealXen.isComplete ? 64 : 16
    /// What a guest sends through busybox's nc, a KiB at a time.
    static let slowMebibytes = 4
    /// A file of `makeData`, which is sent so often that it becomes as much as `mebibytes`.
    static let fileMebibytes = 16

    @Test("two guests get addresses and reach the outside, which reaches them")
    func outside() async throws {
      let pair = try await NetworkPair.start()
      let network = try await RealXen.network
      let outside = network.outside
      #expect(try await pair.first.pingsLost(to: outside.address, count: 100) == 0)
      #expect(try await pair.first.pingsLost(to: pair.secondAddress, count: 100) == 0)

      let sums = try OutsideServer(running: "md5sum")
      defer { sums.stop() }
      let file = try await OutsideFile(mebibytes: Self.mebibytes)
      defer { file.remove() }
      let files = try OutsideServer(serving: file)
      defer { files.stop() }
      // One over IPv4, one over IPv6, as the network's router announces it.
      for (guest, own, address) in [
        (pair.first, pair.firstAddress, outside.address),
        (pair.second, pair.secondAddress, outside.addressIPv6),
      ] {
        _ = try await guest.waitForGlobalIPv6()
        try await pair.expectGoodFrames { () async throws in
          // The guest asks.
          #expect(try await guest.fetchSum(from: address, port: files.port) == file.sum)
          let part = try await guest.makeData("/part", mebibytes: Self.slowMebibytes)
          #expect(try await guest.sendData("/part", to: address, port: sums.port) == part)
          // The outside asks.
          let sum = try await guest.makeData(mebibytes: Self.fileMebibytes)
          try await guest.serveFiles()
          let port = try await network.forward(to: own, port: 8080)
          for _ in 0..<Self.mebibytes / Self.fileMebibytes {
            #expect(try await OutsideClient.fetchSum("/data", fromPort: port) == sum)
          }
        }
      }
      try await pair.shutdown()
    }

    @Test(
      "two guests exchange bulk, in frames larger than the link's, and small packets")
    func bulkAndSmallPackets() async throws {
      let pair = try await NetworkPair.start(inside: true)
      try await expectBulk(between: pair)
      try await expectSmallPackets(between: pair)
      try await pair.shutdown()
    }

    /// Over IPv4, IPv6, and on the bridge for large frames.
    private func expectBulk(between pair: NetworkPair) async throws {
      let times = Self.mebibytes / Self.fileMebibytes
      let sums = (
        try await pair.first.makeData(times: times), try await pair.second.makeData(times: times)
      )
      let once = (
        try await pair.first.check("md5sum /data | cut -d ' ' -f 1"),
        try await pair.second.check("md5sum /data | cut -d ' ' -f 1")
      )
      for guest in [pair.first, pair.second] { try await guest.serveFiles() }
      let addresses = (
        try await pair.first.waitForGlobalIPv6(), try await pair.second.waitForGlobalIPv6()
      )
      for (interface, one, two) in [
        ("eth0", pair.firstAddress, pair.secondAddress), ("eth0", addresses.0, addresses.1),
        ("eth1", NetworkPair.firstInside, NetworkPair.secondInside),
      ] {
        let mtuBytes = Int(try await pair.first.check("cat /sys/class/net/\(interface)/mtu")) ?? 0
        #expect(mtuBytes == (interface == "eth1" ? 9000 : 1500))
        try await pair.expectGoodFrames(on: interface) { () async throws in
          let before = try await pair.first.networkCounters(of: interface)
          #expect(try await pair.first.fetchSum(times: times, from: two) == sums.1)
          let between = try await pair.first.networkCounters(of: interface)
          #expect(try await pair.second.fetchSum(times: times, from: one) == sums.0)
          let after = try await pair.first.networkCounters(of: interface)
          // A frame of several segments counts once: the mean is beyond the link's size only when
          // such frames have crossed the ring.
          let incoming = between.since(before)
          #expect(incoming.receivedBytesPerFrame > mtuBytes, "\(interface): \(incoming)")
          let outgoing = after.since(between)
          #expect(outgoing.sentBytesPerFrame > mtuBytes, "\(interface): \(outgoing)")
          // Both directions at once.
          async let there = pair.first.fetchSum(from: two)
          async let back = pair.second.fetchSum(from: one)
          let answers = (try await there, try await back)
          #expect(answers == (once.1, once.0))
        }
      }
    }

    /// Pings of all sizes, and a stream of datagrams, without loss.
    private func expectSmallPackets(between pair: NetworkPair) async throws {
      try await pair.expectGoodFrames { () async throws in
        // Sizes about the ends of a header, of a frame and of fragments of several.
        for payloadBytes in [0, 1, 18, 1000, 1472, 1473, 4000, 20000] {
          #expect(
            try await pair.first.pingsLost(
              to: pair.secondAddress, count: 50, payloadBytes: payloadBytes) == 0,
            "\(payloadBytes) bytes")
        }
        #expect(
          try await pair.first.pingsLost(
            to: NetworkPair.secondInside, count: 50, payloadBytes: 8972) == 0)
        #expect(try await pair.first.pingsLost(to: pair.secondAddress, count: 1000) == 0)
      }
      // The buffer must hold what comes while the emulated machine stands still for a moment.
      try await pair.second.check("sysctl -w net.core.rmem_default=4194304")
      try await pair.second.serveIperf()
      let report = try await pair.first.iperf(
        to: pair.secondAddress, options: "-u -l 64 -b 256K", seconds: 4)
      #expect(report.end.sum?.packets ?? 0 > 1000)
      #expect(report.end.sum?.lostPackets == 0)
    }

    @Test(
      "a guest with two processors has two queues, and both carry traffic")
    func queues() async throws {
      let host = try await RealXen.host
      let network = try await RealXen.network
      let guests = try await host.startGuests([
        .guest("one-queue", memory: 160, interfaces: [network.interface(1)]),
        .guest(
          "two-queues", memory: 176, processors: 2, interfaces: [network.interface(2)],
          commandLine: "xen_netfront.max_queues=2"),
      ])
      let (peer, guest) = (guests[0], guests[1])
      let frontend = "/local/domain/\(guest.domid)/device/vif/0"
      #expect(try await host.readXenStore("\(frontend)/multi-queue-num-queues") == "2")
      let peerAddress = try await peer.requestAddress()
      _ = try await guest.requestAddress()
      try await peer.serveIperf()
      let before = try await queueEvents(in: guest)
      // Many flows, so that chance cannot put all on one queue.
      for options in ["-P 16", "-P 16 -R"] {
        let report = try await guest.iperf(to: peerAddress, options: options, seconds: 3)
        #expect(report.receivedBitsPerSecond > 0)
      }
      let after = try await queueEvents(in: guest)
      #expect(after.count >= 2)
      for (queue, count) in after {
        #expect(count > (before[queue] ?? 0) + 50, "queue \(queue): \(before) to \(after)")
      }
      #expect(try await guest.networkCounters().checksumErrors == 0)
      if RealXen.isOurNetwork { try await expectQueuesOutliveBackends(of: guests, peerAddress) }
      try await RealXen.shutDown([peer, guest])
    }

    /// What waits in either queue is there for the next process.
    private func expectQueuesOutliveBackends(
      of guests: [Domain], _ peerAddress: String
    ) async throws {
      let host = try await RealXen.host
      let logs = try await KernelLogs(of: guests)
      async let report = guests[1].iperf(to: peerAddress, options: "-P 16 -R", seconds: 10)
      let deaths = try await host.runDrill(
        "kill:500", in: try await RealXen.network.directory, restarts: 12, limit: .seconds(60))
      #expect(deaths >= 12)
      #expect(try await report.receivedBitsPerSecond > 0)
      try await logs.expectSilence()
    }

    /// The events that the guest had of each event channel of its interface, by their names, such
    /// as `vif0-q1-rx`.
    private func queueEvents(in guest: Domain) async throws -> [String: Int] {
      var counts: [String: Int] = [:]
      for line in try await guest.check("grep vif0-q /proc/interrupts").split(separator: "\n") {
        let words = line.split(separator: " ")
        guard let name = words.last else { continue }
        // The number of the interrupt, then a count for each processor.
        counts[String(name)] = words.dropFirst().prefix { Int($0) != nil }
          .reduce(0) { $0 + (Int($1) ?? 0) }
      }
      return counts
    }

    @Test(
      "a rate is obeyed within a tenth, and may change while the guest sends")
    func rate() async throws {
      let host = try await RealXen.host
      let network = try await RealXen.network
      let guests = try await host.startGuests([
        .guest("sink", memory: 160, interfaces: [network.interface(1)]),
        .guest("limited", memory: 160, interfaces: [network.interface(2, rate: "8Mb/s")]),
      ])
      let (sink, limited) = (guests[0], guests[1])
      let address = try await sink.requestAddress()
      _ = try await limited.requestAddress()
      try await sink.serveIperf()
      #expect(
        try await host.readXenStore("\(network.leaf(of: limited))/rate") == "50000,50000")
      try await expectRate(8e6, from: limited, to: address)
      // Bytes and microseconds, as libxl writes it. The backend watches the node.
      try await host.dom0.check(
        "xenstore-write \(network.leaf(of: limited))/rate 100000,50000")
      try await expectRate(16e6, from: limited, to: address)
      // Only what the guest sends is limited.
      let received = try await rates(from: limited, to: address, options: "-R", until: 24e6)
      #expect(received.contains { $0 > 24e6 }, "\(received) bits a second")
      try await limited.destroy()
      try await sink.destroy()
    }

    /// Never more than the rate; and as much as that.
    private func expectRate(_ bitsPerSecond: Double, from guest: Domain, to address: String)
      async throws
    {
      // The first second of each run spends what credit has gathered, and is left out.
      let rates = try await rates(
        from: guest, to: address, options: "-O 1", until: 0.9 * bitsPerSecond)
      #expect(
        rates.contains { $0 > 0.9 * bitsPerSecond }
          && rates.allSatisfy { $0 < 1.1 * bitsPerSecond },
        "\(rates) bits a second")
    }

    /// What some runs got through, in bits a second; the last is the first with more than `enough`.
    /// Others use the machine too, and can hold its guests up for seconds: one run alone says
    /// nothing about what we allow.
    private func rates(
      from guest: Domain, to address: String, options: String, until enough: Double
    ) async throws -> [Double] {
      var rates: [Double] = []
      for _ in 1...6 {
        let report = try await guest.iperf(to: address, options: options, seconds: 5)
        rates.append(report.receivedBitsPerSecond)
        if report.receivedBitsPerSecond > enough { break }
      }
      return rates
    }
  }
}
