import CLinux
import SystemPackage
import Testing

@testable import DriverDomainInit

@Suite struct NetlinkMessageTests {
  /// An answer of the kernel to a request of 20 bytes.
  private func answer(_ code: Int32, flags: Int32, attribute text: String?) -> NetlinkMessage {
    var payload = NetlinkRequest(0)
    payload.append(code)
    payload.append(UInt32(20))
    for _ in 0..<3 { payload.append(UInt32(0)) }
    if flags & NLM_F_CAPPED == 0 { payload.append(UInt32(0)) }
    if let text { payload.attribute(Int(NLMSGERR_ATTR_MSG.rawValue), text: text) }
    return NetlinkMessage(
      type: UInt16(NLMSG_ERROR), flags: UInt16(flags), sequence: 1,
      payload: payload.bytes.dropFirst(NetlinkRequest.headerByteCount))
  }

  @Test func verdictsAreRead() throws {
    let success = try #require(answer(0, flags: 0, attribute: nil).verdict)
    #expect(success.error == nil)
    let bare = try #require(answer(-17, flags: 0, attribute: nil).verdict)
    #expect(bare.error == .fileExists)
    #expect(bare.detail == "")
    for flags in [NLM_F_ACK_TLVS, NLM_F_ACK_TLVS | NLM_F_CAPPED] {
      let full = try #require(answer(-22, flags: flags, attribute: "mtu greater").verdict)
      #expect(full.error == .invalidArgument)
      #expect(full.detail == "mtu greater")
    }
    #expect(answer(5, flags: 0, attribute: nil).verdict == nil)
    #expect(answer(Int32.min, flags: 0, attribute: nil).verdict == nil)
  }

  @Test func linkIsRead() throws {
    var request = NetlinkRequest(Int(RTM_NEWLINK))
    request.append(UInt16(0))
    request.append(UInt16(1))
    request.append(Int32(7))
    request.append(UInt32(0x1_0001))
    request.append(UInt32(0))
    request.attribute(Int(IFLA_IFNAME), text: "vif2.0")
    request.attribute(Int(IFLA_MTU), number: 1400)
    request.attribute(Int(IFLA_MASTER), number: 3)
    request.attribute(Int(IFLA_TXQLEN), number: 128)
    request.attribute(Int(IFLA_ADDRESS), HardwareAddress.backendEnd.bytes)
    request.nested(Int(IFLA_LINKINFO) | 0x8000) { $0.attribute(Int(IFLA_INFO_KIND), text: "tun") }
    let bytes = request.finished(sequence: 0, flags: 0)
    let link = try #require(NetlinkMessage.messages(in: bytes[...]).first.flatMap { Link($0) })
    #expect(
      link
        == Link(
          index: 7, name: "vif2.0", isEthernet: true, isUp: true, hasCarrier: true, mtu: 1400,
          address: .backendEnd, bridgeIndex: 3, kind: "tun", transmitQueueLength: 128))
    #expect(!link.isPhysical)
  }

  @Test func severalMessagesShareADatagram() {
    let one = NetlinkRequest(1).finished(sequence: 1, flags: 0)
    let two = NetlinkRequest(2).finished(sequence: 2, flags: 0)
    let messages = NetlinkMessage.messages(in: (one + two + two.dropLast())[...])
    #expect(messages.map(\.sequence) == [1, 2])
  }

  @Test func anyBytesAreReadWithoutACrash() {
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "netlink"))
    let valid = NetlinkRequest.createBridge("xenbr0").finished(sequence: 1, flags: 0)
    for round in 0..<20_000 {
      var bytes = valid + valid
      for _ in 0..<Int.random(in: 0...6, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
      if round % 4 == 0 {
        bytes = bytes.map { _ in UInt8.random(in: 0...255, using: &generator) }
      }
      let messages = NetlinkMessage.messages(in: bytes[...])
      #expect(messages.count <= 4)
      for message in messages {
        _ = message.verdict
        _ = Link(message)
        _ = message.attributes(behind: 16).nested(Int(IFLA_LINKINFO))?.text(1)
      }
    }
  }
}
