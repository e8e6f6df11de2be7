import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

struct PacketFilterTests {
  @Test func expressions() throws {
    var frame = TestFrame()
    frame.destinationPort = 443
    let filter = try PacketFilter("tcp dst port 443")
    #expect(filter.expression == "tcp dst port 443")
    #expect(admits(filter, frame.bytes))
    frame.destinationPort = 80
    #expect(!admits(filter, frame.bytes))
    #expect(admits(try PacketFilter(""), frame.bytes))
    #expect(!admits(try PacketFilter("less 10"), frame.bytes))
  }

  /// None of these is the name of a host, which would be looked up.
  @Test func errorsSayWhy() {
    #expect {
      try PacketFilter("tcp dst port 443 and or")
    } throws: { error in
      let text = "\(error)"
      return text.contains("'tcp dst port 443 and or'") && text.contains("syntax error")
    }
    for text in ["(", "tcp and", "ether src 00:11", "ip proto", "net 10.0.0.1/8"] {
      #expect(throws: PacketFilterError.self, "\(text)") { try PacketFilter(text) }
    }
    #expect(throws: PacketFilterError.syntax("tcp\0", reason: "a zero byte")) {
      try PacketFilter("tcp\0")
    }
    let long = String(repeating: " ", count: PacketFilter.longestExpressionByteCount + 1)
    #expect(throws: PacketFilterError.tooLong) { try PacketFilter(long) }
  }

  /// A test that needs bytes that are not there fails, wherever the frame ends.
  @Test(arguments: testSeedGroups(count: 200))
  func anyFrame(seeds: [UInt64]) throws {
    let filter = try PacketFilter("tcp[tcpflags] & tcp-syn != 0 or ip6[47] = 1 or ether[65000] = 1")
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      let bytes = TestFrame(&generator).bytes
      for count in [0, 1, 13, 14, 33, 40, bytes.count] where count <= bytes.count {
        let prefix = Array(bytes.prefix(count))
        let isAdmitted = admits(filter, prefix)
        if count < 14 { #expect(!isAdmitted, "seed \(seed)") }
      }
    }
  }

  /// One filter serves all threads.
  @Test func manyThreads() async throws {
    let filter = try PacketFilter("udp src port 53")
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var frame = TestFrame()
          frame.transport = .udp
          var count = 0
          for port in UInt16(0)..<2000 {
            frame.sourcePort = port % 100
            if admits(filter, frame.bytes) { count += 1 }
          }
          return count
        }
      }
      for await count in group { #expect(count == 20) }
    }
  }

  private func admits(_ filter: PacketFilter, _ bytes: [UInt8]) -> Bool {
    filter.admits(unsafe bytes.span.bytes)
  }
}
