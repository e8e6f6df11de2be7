import Testing

@testable import DriverDomainInit

@Suite struct DHCPDatagramTests {
  private func datagram() throws -> DHCPDatagram {
    let address = try #require(HardwareAddress([2, 0, 0, 0, 0, 1]))
    var message = DHCPMessage(transaction: 9, hardwareAddress: address)
    message[.kind] = [DHCPMessage.Kind.offer.rawValue]
    return DHCPDatagram(source: 0xC000_0201, destination: DHCPDatagram.broadcast, message: message)
  }

  @Test func headersAreRight() throws {
    let bytes = try datagram().encoded
    #expect(Array(bytes[0..<4]) == [0x45, 0, 1, 0x48])
    #expect(Array(bytes[8..<10]) == [64, 17])
    #expect(DHCPDatagram.checksum(bytes.prefix(20)) == 0)
    #expect(Array(bytes[20..<26]) == [0, 68, 0, 67, 1, 0x34])
    let pseudo = bytes[12..<20] + [0, 17, 1, 0x34]
    #expect(DHCPDatagram.checksum(pseudo + bytes.dropFirst(20)) == 0)
  }

  @Test func checksumIsThatOfTheRFC() {
    // The example of RFC 1071, section 3.
    #expect(DHCPDatagram.checksum([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]) == ~0xDDF2)
    #expect(DHCPDatagram.checksum([0x12]) == ~0x1200)
    #expect(DHCPDatagram.checksum([UInt8](repeating: 0xFF, count: 65535)) == 0x00FF)
  }

  @Test func onlyAnswersAreRead() throws {
    let datagram = try datagram()
    #expect(DHCPDatagram(datagram.encoded[...]) == nil)
    let answer = DHCPServer.answer(datagram)
    #expect(DHCPDatagram(answer[...]) == datagram)
    // Padding of the Ethernet frame follows.
    #expect(DHCPDatagram((answer + [0, 0, 0])[...]) == datagram)
    #expect(DHCPDatagram(answer.dropLast()) == nil)
    for (offset, value) in [(0, 0x65), (0, 0x44), (9, 6), (6, 0x20), (10, 1), (25, 0x0F), (24, 9)] {
      var bad = answer
      bad[offset] ^= UInt8(value)
      #expect(DHCPDatagram(bad[...]) == nil, "\(offset)")
    }
  }

  @Test func anyBytesAreReadWithoutACrash() throws {
    var generator = SeededGenerator(seed: SeededGenerator.seed(for: "dhcp datagram"))
    var message = try datagram()
    message.message.set(.leaseSeconds, 3600)
    let valid = DHCPServer.answer(message)
    var readCount = 0
    for _ in 0..<20_000 {
      var bytes = valid
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        // The IP header has a checksum; behind it everything counts.
        let range = Bool.random(using: &generator) ? 20..<bytes.count : 0..<bytes.count
        let index = Int.random(in: range, using: &generator)
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
      if Bool.random(using: &generator) {
        bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
      }
      guard let read = DHCPDatagram(bytes[...]) else { continue }
      readCount += 1
      #expect(read.message.options.values.allSatisfy { $0.count <= 255 })
    }
    #expect(readCount > 1000)
  }
}
