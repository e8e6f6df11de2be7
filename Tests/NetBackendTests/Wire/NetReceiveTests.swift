import CNetReference
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// Slots of the receive ring, against structures that a C compiler laid out.
struct NetReceiveTests {
  @Test(arguments: testSeeds(count: 50))
  func requests(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let reference = UInt32(truncatingIfNeeded: generator.next())
    let identifier = UInt16(truncatingIfNeeded: generator.next())
    var slot = [UInt8](repeating: 0xa5, count: NetLimits.receiveSlotByteCount)
    unsafe net_reference_encode_receive(&slot, identifier, reference)
    let request = NetReceiveRequest(slot: unsafe slot.span.bytes)
    #expect(request.identifier == identifier)
    #expect(request.grantReference.rawValue == reference)
  }

  @Test(arguments: testSeeds(count: 50))
  func responses(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let offset = Int.random(in: 0...4096, using: &generator)
    let size = Int.random(in: 0...4096 - offset, using: &generator)
    let flags = UInt16(truncatingIfNeeded: generator.next())
    let identifier = UInt16(truncatingIfNeeded: generator.next())
    let response = NetReceiveResponse(
      identifier: identifier, byteOffset: UInt16(offset), flags: .init(rawValue: flags),
      byteCount: size)
    let decoded = decode(response)
    #expect(decoded.identifier == identifier)
    #expect(decoded.offset == offset)
    #expect(decoded.flags == flags)
    #expect(decoded.status == size)
  }

  @Test func failures() {
    let decoded = decode(NetReceiveResponse(identifier: 7, flags: [], failure: .error))
    #expect(decoded.identifier == 7)
    #expect(decoded.offset == 0)
    #expect(decoded.flags == 0)
    #expect(Int32(decoded.status) == net_reference_value(net_reference_error))
  }

  /// The first two flags are the other way round than those of the transmit ring.
  @Test func flags() {
    func value(_ constant: net_reference_constant) -> UInt16 {
      UInt16(net_reference_value(constant))
    }
    #expect(
      NetReceiveResponse.Flags.checksumBlank.rawValue == value(net_reference_rx_csum_blank))
    #expect(
      NetReceiveResponse.Flags.dataValidated.rawValue == value(net_reference_rx_data_validated))
    #expect(NetReceiveResponse.Flags.moreData.rawValue == value(net_reference_rx_more_data))
    #expect(NetReceiveResponse.Flags.extraInfo.rawValue == value(net_reference_rx_extra_info))
  }

  private func decode(_ response: NetReceiveResponse) -> net_reference_receive_response {
    var slot = [UInt8](repeating: 0xa5, count: NetLimits.receiveSlotByteCount)
    var elements = slot.mutableSpan
    var bytes = unsafe elements.mutableBytes
    response.encode(into: &bytes)
    return unsafe net_reference_decode_receive(slot)
  }
}
