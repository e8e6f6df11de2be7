import CLinux
import Testing

@testable import DriverDomainInit

@Suite struct NetlinkRequestTests {
  @Test func layoutIsThatOfTheHeader() {
    var request = NetlinkRequest(Int(RTM_NEWLINK), flags: NLM_F_CREATE)
    request.append(UInt16(0x1234))
    request.append(Int16(-2))
    request.attribute(3, text: "br")
    request.nested(18) { $0.attribute(1, number: 0x0102_0304) }
    let bytes = request.finished(sequence: 0x0A0B_0C0D, flags: NLM_F_ACK)
    #expect(
      bytes == [
        40, 0, 0, 0, 16, 0, 5, 4, 0x0D, 0x0C, 0x0B, 0x0A, 0, 0, 0, 0,
        0x34, 0x12, 0xFE, 0xFF,
        7, 0, 3, 0, 98, 114, 0, 0,
        12, 0, 18, 0, 8, 0, 1, 0, 4, 3, 2, 1,
      ])
  }

  @Test func requestAndMessageAgree() throws {
    let request = NetlinkRequest.createBridge("xenbr0")
    let bytes = request.finished(sequence: 7, flags: NLM_F_ACK)
    let messages = NetlinkMessage.messages(in: bytes[...])
    let message = try #require(messages.first)
    #expect(messages.count == 1)
    #expect(message.sequence == 7)
    let attributes = message.attributes(behind: Link.fixedByteCount)
    #expect(attributes.text(Int(IFLA_IFNAME)) == "xenbr0")
    let information = try #require(attributes.nested(Int(IFLA_LINKINFO)))
    #expect(information.text(Int(IFLA_INFO_KIND)) == "bridge")
    let data = try #require(information.nested(Int(IFLA_INFO_DATA)))
    #expect(data.number(Int(IFLA_BR_STP_STATE)) == 0)
    #expect(data.number(Int(IFLA_BR_FORWARD_DELAY)) == 0)
  }

  @Test func addressRequestHasItsBroadcast() throws {
    let address = try #require(InterfaceAddress("192.0.2.7/24"))
    let bytes = NetlinkRequest.addAddress(address, toLink: 5).finished(sequence: 1, flags: 0)
    let message = try #require(NetlinkMessage.messages(in: bytes[...]).first)
    #expect(Array(message.payload.prefix(8)) == [2, 24, 0, 0, 5, 0, 0, 0])
    let attributes = message.attributes(behind: 8)
    #expect(attributes[Int(IFA_LOCAL)].map { Array($0) } == [192, 0, 2, 7])
    #expect(attributes[Int(IFA_BROADCAST)].map { Array($0) } == [192, 0, 2, 255])
  }
}
