import Testing

@testable import DriverDomainInit

@Suite struct HardwareAddressTests {
  @Test func readsBothForms() {
    let address = HardwareAddress("00:16:3E:0a:0B:fF")
    #expect(address?.bytes == [0, 0x16, 0x3E, 0x0A, 0x0B, 0xFF])
    #expect(address?.description == "00:16:3e:0a:0b:ff")
    #expect(HardwareAddress("00-16-3e-0a-0b-ff") == address)
    #expect(HardwareAddress.backendEnd.description == "fe:ff:ff:ff:ff:ff")
  }

  @Test(arguments: [
    "", "00:16:3e:0a:0b", "00:16:3e:0a:0b:ff:00", "00:16:3e:0a:0b:f", "00:16:3e:0a:0b:+f",
    "00:16:3e:0a:0b:fg", "00:16-3e:0a:0b:ff", "0:016:3e:0a:0b:ff", "00:16:3e:0a:0b:ff ",
    "00:16:3e::0b:ff",
  ])
  func refusesWhatIsNone(text: String) {
    #expect(HardwareAddress(text) == nil)
  }

  @Test func takesSixBytesOnly() {
    #expect(HardwareAddress([1, 2, 3, 4, 5]) == nil)
    #expect(HardwareAddress([1, 2, 3, 4, 5, 6])?.description == "01:02:03:04:05:06")
  }
}
