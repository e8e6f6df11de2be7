import CLinux
import RingTransport
import SystemPackage
import Testing

@testable import NetBackend

/// What an opener is asked and answers, on the real kernel.
struct PortOpeningTests {
  private static func ask(
    _ verb: PortOpening.Verb, _ uplink: NetUplink
  ) throws(NetPortError) -> Opener.Answer {
    let answer = PortOpening.serve(PortOpening.message(verb, uplink))
    return try PortOpening.read(answer, uplink.interface)
  }

  @Test func portsComeWithAnswers() throws {
    try LinkFixture.run { _ in
      for uplink in [NetUplink.tap(LinkFixture.name), .packet(LinkFixture.name)] {
        var seen = try Self.ask(.expect, uplink)
        let isNothing = seen.file.take() == nil
        #expect(isNothing, "\(uplink)")
        var opened = try Self.ask(.open, uplink)
        let isOpen = opened.file.take() != nil
        #expect(isOpen, "\(uplink)")
      }
    }
  }

  /// Init's queues are used in their place, and the TAP device fills those that are served.
  @Test func heldQueuesAreAttachedWhileTheyServe() throws {
    try LinkFixture.run { _ in
      let tap = NetUplink.tap(LinkFixture.name)
      var held: [HeldQueue] = []
      for _ in 0..<3 {
        var answer = try Self.ask(.open, tap)
        if let file = answer.file.take() { held.append(HeldQueue(file)) }
      }
      #expect(held.count == 3)
      let opening = PortOpening(opener: nil, held: held)
      try opening.expect(tap)
      for count in [1, 3, 2, 2, 1] {
        try opening.attachQueues(count, of: tap)
        // The kernel attaches no queue twice.
        let attached = held.map { c_tap_set_attached($0.descriptor, 1) != 0 }
        #expect(attached == (0..<3).map { $0 < count }, "\(count) queues")
      }
      for (index, queue) in held.enumerated() {
        let port = try opening.port(tap, queue: index, ownAddress: nil)
        let isSame = port.descriptor == queue.descriptor
        #expect(isSame)
      }
    }
  }

  @Test func errorsComeThrough() throws {
    try LinkFixture.run { _ in
      for uplink in [NetUplink.tap("vif9.0"), .packet("eth9")] {
        for verb in [PortOpening.Verb.expect, .open] {
          #expect(throws: NetPortError.missing(uplink.interface)) {
            _ = try Self.ask(verb, uplink)
          }
        }
      }
      // A link that is no TAP device, and a port that only libpcap opens.
      let wrong = NetUplink.tap("lo")
      #expect(throws: NetPortError.open("lo", .invalidArgument)) { _ = try Self.ask(.open, wrong) }
      let capture = NetUplink.capture(LinkFixture.name)
      #expect(throws: NetPortError.open(LinkFixture.name, .notSupported)) {
        _ = try Self.ask(.open, capture)
      }
    }
  }

  @Test(arguments: [[], [9], [2, 1]] as [[UInt8]])
  func answersThatAreNone(_ bytes: [UInt8]) {
    #expect(throws: NetPortError.self) {
      _ = try PortOpening.read(Opener.Answer(bytes: bytes, file: nil), "vif2.0")
    }
  }

  @Test func onlyLibpcapGoesWithoutASandbox() throws {
    var options = NetOptions()
    #expect(NetBackend.sandbox(options) != nil)
    options.uplink = .packet("eth0")
    #expect(NetBackend.sandbox(options) != nil)
    options.uplink = .capture("eth0")
    #expect(NetBackend.sandbox(options) == nil)
  }
}
