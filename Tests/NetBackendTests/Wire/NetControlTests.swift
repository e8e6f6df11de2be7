import CNetReference
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// Slots of the control ring, against structures that a C compiler laid out.
struct NetControlTests {
  @Test(arguments: testSeeds(count: 50))
  func requestsAndResponses(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let identifier = UInt16(truncatingIfNeeded: generator.next())
    let type = UInt16(truncatingIfNeeded: generator.next())
    let words = (0..<3).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
    var slot = [UInt8](repeating: 0xa5, count: NetLimits.controlSlotByteCount)
    unsafe net_reference_encode_control(
      &slot, identifier, type, words[0], words[1], words[2])
    let request = NetControlRequest(slot: unsafe slot.span.bytes)
    #expect(request.identifier == identifier)
    #expect(request.type == type)
    #expect(request.data == (words[0], words[1], words[2]))

    var elements = slot.mutableSpan
    var bytes = unsafe elements.mutableBytes
    NetControlResponse(to: request, .bufferOverflow, data: words[2]).encode(into: &bytes)
    let response = unsafe net_reference_decode_control(slot)
    #expect(response.identifier == identifier)
    #expect(response.type == type)
    #expect(Int32(response.status) == net_reference_value(net_reference_status_overflow))
    #expect(response.data == words[2])
    #expect(slot[12...].allSatisfy { $0 == 0 }, "padding tells nothing")
  }

  @Test func types() {
    for (position, kind) in NetControlRequest.Kind.allCases.enumerated() {
      #expect(kind.rawValue == net_reference_control_type(UInt32(position)))
    }
    #expect(net_reference_control_type(UInt32(NetControlRequest.Kind.allCases.count)) == 0)
  }

  @Test func statuses() {
    func value(_ constant: net_reference_constant) -> UInt32 {
      UInt32(net_reference_value(constant))
    }
    typealias Status = NetControlResponse.Status
    #expect(Status.success.rawValue == value(net_reference_status_success))
    #expect(Status.notSupported.rawValue == value(net_reference_status_not_supported))
    #expect(Status.invalidParameter.rawValue == value(net_reference_status_invalid))
    #expect(Status.bufferOverflow.rawValue == value(net_reference_status_overflow))
  }
}
