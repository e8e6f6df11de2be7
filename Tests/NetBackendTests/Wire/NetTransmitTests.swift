import CNetReference
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// Slots of the transmit ring, against structures that a C compiler laid out.
struct NetTransmitTests {
  @Test func sizesAreThoseOfTheStructures() {
    #expect(NetLimits.transmitSlotByteCount == Int(net_reference_transmit_slot_bytes()))
    #expect(NetLimits.receiveSlotByteCount == Int(net_reference_receive_slot_bytes()))
    #expect(NetLimits.controlSlotByteCount == Int(net_reference_control_slot_bytes()))
    #expect(NetExtraInfo.byteCount == Int(net_reference_extra_bytes()))
    #expect(NetLimits.ringSlotCount == Int(net_reference_transmit_slots()))
    #expect(NetLimits.ringSlotCount == Int(net_reference_receive_slots()))
    #expect(NetLimits.controlRingSlotCount == Int(net_reference_control_slots()))
    #expect(NetLimits.packetSlotCount == Int(net_reference_value(net_reference_slots_min)))
    #expect(NetLimits.packetByteCount == Int(net_reference_value(net_reference_max_tx_size)))
  }

  @Test func layoutsAgreeWithTheTransport() {
    for (bytes, count) in [
      (NetLimits.transmitSlotByteCount, NetLimits.ringSlotCount),
      (NetLimits.receiveSlotByteCount, NetLimits.ringSlotCount),
      (NetLimits.controlSlotByteCount, NetLimits.controlRingSlotCount),
    ] {
      #expect(RingLayout(pageCount: 1, slotByteCount: bytes).slotCount == UInt32(count))
    }
  }

  @Test(arguments: testSeeds(count: 50))
  func requests(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let reference = UInt32(truncatingIfNeeded: generator.next())
    let offset = UInt16(truncatingIfNeeded: generator.next())
    let flags = UInt16(truncatingIfNeeded: generator.next())
    let identifier = UInt16(truncatingIfNeeded: generator.next())
    let size = UInt16(truncatingIfNeeded: generator.next())
    var slot = [UInt8](repeating: 0xa5, count: NetLimits.transmitSlotByteCount)
    unsafe net_reference_encode_transmit(&slot, reference, offset, flags, identifier, size)
    let request = NetTransmitRequest(slot: unsafe slot.span.bytes)
    #expect(request.grantReference.rawValue == reference)
    #expect(request.byteOffset == offset)
    #expect(request.flags.rawValue == flags)
    #expect(request.identifier == identifier)
    #expect(request.byteCount == size)
  }

  @Test(arguments: [NetResponseStatus.okay, .null, .error, .dropped])
  func responsesFillTheSlot(status: NetResponseStatus) {
    for identifier in [UInt16(0), 1, 0x1234, 0xffff] {
      var slot = [UInt8](repeating: 0xa5, count: NetLimits.transmitSlotByteCount)
      var elements = slot.mutableSpan
      var bytes = unsafe elements.mutableBytes
      NetTransmitResponse(identifier: identifier, status: status).encode(into: &bytes)
      #expect(unsafe net_reference_transmit_response_identifier(slot) == identifier)
      #expect(unsafe net_reference_transmit_response_status(slot) == status.rawValue)
      #expect(slot[4...].allSatisfy { $0 == 0 }, "padding tells nothing")
    }
  }

  @Test func flagsAndStatuses() {
    func value(_ constant: net_reference_constant) -> UInt16 {
      UInt16(net_reference_value(constant))
    }
    #expect(
      NetTransmitRequest.Flags.checksumBlank.rawValue == value(net_reference_tx_csum_blank))
    #expect(
      NetTransmitRequest.Flags.dataValidated.rawValue == value(net_reference_tx_data_validated))
    #expect(NetTransmitRequest.Flags.moreData.rawValue == value(net_reference_tx_more_data))
    #expect(NetTransmitRequest.Flags.extraInfo.rawValue == value(net_reference_tx_extra_info))
    #expect(Int32(NetResponseStatus.okay.rawValue) == net_reference_value(net_reference_okay))
    #expect(Int32(NetResponseStatus.null.rawValue) == net_reference_value(net_reference_null))
    #expect(Int32(NetResponseStatus.error.rawValue) == net_reference_value(net_reference_error))
    #expect(
      Int32(NetResponseStatus.dropped.rawValue) == net_reference_value(net_reference_dropped))
  }
}
