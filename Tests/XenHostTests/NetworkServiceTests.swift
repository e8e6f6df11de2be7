import Testing
import XenHost

extension RealXen {
  /// Guests on the bridges of a network driver domain, with each other and with the outside.
  @Suite("Network service")
  struct NetworkServiceTests {
    /// 64 MiB in each direction: enough for all of the ring's indices to come round many times.
    static let mebibytes = 64

    @Test("two guests get addresses and reach the outside, which reaches them")
    func outside() async throws {
      let pair = try await NetworkPair.start()
      let network = try await RealXen.network
      #expect(try await pair.first.pingsLost(to: "10.0.2.2", count: 100) == 0)
      #expect(try await pair.first.pingsLost(to: pair.secondAddress, count: 100) == 0)

      let sums = try OutsideServer(running: "sha256sum")
      defer { sums.stop() }
      let file = try await OutsideFile(mebibytes: Self.mebibytes)
      defer { file.remove() }
      let files = try OutsideServer(running: "cat", [file.path])
      defer { files.stop() }
      for (guest, address) in [(pair.first, pair.firstAddress), (pair.second, pair.secondAddress)] {
        _ = try await guest.waitForGlobalIPv6()
        try await pair.expectGoodFrames {
          let sum = try await guest.makeData(times: Self.mebibytes / 16)
          #expect(
            try await guest.sendData(times: Self.mebibytes / 16, to: "10.0.2.2", port: sums.port)
              == sum)
          #expect(
            try await guest.receiveSum(from: "10.0.2.2", port: files.port) == file.sum)
          #expect(try await guest.sendData(times: 1, to: "fec0::2", port: sums.port).count == 64)
          #expect(try await guest.receiveSum(from: "fec0::2", port: files.port) == file.sum)
        }
        // From the outside in.
        try await guest.serveSums()
        let port = try await network.forward(to: address, port: 5001)
        #expect(try await file.send(toPort: port).hasPrefix(file.sum))
      }
      try await pair.shutdown()
    }
  }
}
