import Testing

@testable import DriverDomainInit

@Suite struct DHCPMessageTests {
  private func message() throws -> DHCPMessage {
    let address = try #require(HardwareAddress([2, 0, 0, 0, 0, 1]))
    var message = DHCPMessage(transaction: 0x0102_0304, hardwareAddress: address)
    message.seconds = 0x0506
    message.clientAddress = 0xC000_0207
    message.yourAddress = 0xC000_0208
    message[.kind] = [DHCPMessage.Kind.discover.rawValue]
    message.set(.requestedAddress, 0xC000_0209)
    return message
  }

  @Test func layoutIsThatOfTheRFC() throws {
    let bytes = try message().encoded
    #expect(bytes.count == 300)
    #expect(Array(bytes[0..<12]) == [1, 1, 6, 0, 1, 2, 3, 4, 5, 6, 0, 0])
    #expect(Array(bytes[12..<20]) == [192, 0, 2, 7, 192, 0, 2, 8])
    #expect(Array(bytes[28..<34]) == [2, 0, 0, 0, 0, 1])
    #expect(Array(bytes[236..<250]) == [99, 130, 83, 99, 53, 1, 1, 50, 4, 192, 0, 2, 9, 255])
  }

  @Test func whatIsWrittenCanBeRead() throws {
    var message = try message()
    #expect(DHCPMessage(message.encoded[...]) == message)
    message.isReply = true
    message[.routers] = [UInt8](repeating: 7, count: 252)
    #expect(DHCPMessage(message.encoded[...]) == message)
    #expect(message.number(.routers) == 0x0707_0707)
  }

  @Test func optionsMayBeInTheFieldsOfNameAndFile() throws {
    var message = try message()
    message[.overload] = [3]
    var bytes = message.encoded
    bytes.replaceSubrange(108..<114, with: [1, 4, 255, 255, 255, 0])
    bytes[114] = 255
    bytes.replaceSubrange(44..<50, with: [3, 4, 192, 0, 2, 1])
    bytes[50] = 255
    let read = try #require(DHCPMessage(bytes[...]))
    #expect(read.number(.subnetMask) == 0xFFFF_FF00)
    #expect(read.number(.routers) == 0xC000_0201)
  }

  @Test func whatIsNoneIsRefused() throws {
    let bytes = try message().encoded
    #expect(DHCPMessage(bytes.prefix(239)) == nil)
    for (offset, value) in [(0, 3), (1, 6), (2, 16), (236, 0)] {
      var bad = bytes
      bad[offset] = UInt8(value)
      #expect(DHCPMessage(bad[...]) == nil)
    }
  }

  @Test func optionCutOffEndsTheList() throws {
    let bytes = try message().encoded
    let read = try #require(DHCPMessage(bytes.prefix(245)))
    #expect(read.kind == .discover)
    #expect(read[.requestedAddress] == nil)
  }
}
