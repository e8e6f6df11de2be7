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
