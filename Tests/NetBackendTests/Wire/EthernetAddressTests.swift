import RingTransport
import Testing

@testable import NetBackend

struct EthernetAddressTests {
  @Test func bytesAreInTheOrderOfTheWire() {
    let bytes: [UInt8] = [0xff, 0x00, 0x16, 0x3e, 0x12, 0x34, 0x56]
    let address = EthernetAddress(in: unsafe bytes.span.bytes, at: 1)
    #expect(address.description == "00:16:3e:12:34:56")
    #expect(address == EthernetAddress("00:16:3E:12:34:56"))
    var copy = [UInt8](repeating: 0xff, count: 7)
    var elements = copy.mutableSpan
    var target = unsafe elements.mutableBytes
    address.encode(into: &target, at: 1)
    #expect(copy == bytes)
  }

  @Test func groups() {
    #expect(EthernetAddress("01:00:5e:00:00:01")?.isMulticast == true)
    #expect(EthernetAddress.broadcast.isMulticast)
    #expect(EthernetAddress.broadcast == EthernetAddress("ff:ff:ff:ff:ff:ff"))
    #expect(EthernetAddress("00:16:3e:00:00:01")?.isMulticast == false)
  }

  @Test(arguments: [
    "", ":", "00:16:3e:12:34", "00:16:3e:12:34:56:78", "00:16:3e:12:34:5", "0:16:3e:12:34:56",
    "00-16-3e-12-34-56", "00:16:3e:12:34:5g", "00:16:3e:12:34:+5", "00:16:3e:12:34:-5",
    " 00:16:3e:12:34:56", "00:16:3e:12:34:56\n", "00163e123456",
  ])
  func otherTexts(text: String) {
    #expect(EthernetAddress(text) == nil)
  }
}
