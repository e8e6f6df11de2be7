import CNetReference
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// Extras, against structures that a C compiler laid out.
struct NetExtraInfoTests {
  @Test(arguments: testSeeds(count: 50))
  func decodesAndEncodes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let size = UInt16(truncatingIfNeeded: generator.next())
    let type = UInt8(truncatingIfNeeded: generator.next())
    let value = UInt32(truncatingIfNeeded: generator.next())
    let octets = (0..<6).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    let address = EthernetAddress(truncating: octets.reduce(0) { $0 << 8 | UInt64($1) })
    let more = seed % 2 == 0
    let flags: UInt8 = more ? UInt8(net_reference_value(net_reference_extra_more)) : 0
    let features = UInt16(truncatingIfNeeded: generator.next())

    unsafe expect(.segmentation(size: size, type: type, features: features), more) {
      unsafe net_reference_encode_gso($0, flags, size, type, features)
    }
    unsafe expect(.multicastAdd(address), more) {
      unsafe net_reference_encode_multicast($0, flags, 1, octets)
    }
    unsafe expect(.multicastDelete(address), more) {
      unsafe net_reference_encode_multicast($0, flags, 0, octets)
    }
    unsafe expect(.hash(type: type, algorithm: 1, value: value), more) {
      unsafe net_reference_encode_hash($0, flags, type, 1, value)
    }
    unsafe expect(.expressDataPath(headroomByteCount: size), more) {
      unsafe net_reference_encode_xdp($0, flags, size)
    }
  }

  /// Decodes what C stored, in both kinds of slot, and encodes it to the same bytes.
  private func expect(
    _ content: NetExtraInfo.Content, _ hasMore: Bool,
    at location: SourceLocation = #_sourceLocation, store: (UnsafeMutableRawPointer) -> Void
  ) {
    for byteCount in [NetLimits.transmitSlotByteCount, NetLimits.receiveSlotByteCount] {
      var slot = [UInt8](repeating: 0, count: byteCount)
      unsafe slot.withUnsafeMutableBytes { bytes in
        if let start = bytes.baseAddress { unsafe store(start) }
      }
      let extra = NetExtraInfo(slot: unsafe slot.span.bytes)
      #expect(extra.content == content, sourceLocation: location)
      #expect(extra.hasMore == hasMore, sourceLocation: location)
      #expect(encoded(extra, byteCount) == slot, sourceLocation: location)
    }
  }

  private func encoded(_ extra: NetExtraInfo, _ byteCount: Int) -> [UInt8] {
    var slot = [UInt8](repeating: 0xa5, count: byteCount)
    var elements = slot.mutableSpan
    var bytes = unsafe elements.mutableBytes
    extra.encode(into: &bytes)
    return slot
  }

  @Test func unknownTypes() {
    for type in [UInt8(0)] + Array(6...255) {
      let slot: [UInt8] = [type, 0xfe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
      let extra = NetExtraInfo(slot: unsafe slot.span.bytes)
      #expect(extra.content == .unknown(type: type))
      #expect(!extra.hasMore, "only the lowest bit counts")
      #expect(extra.type == type)
    }
  }

  @Test func segmentationTypes() {
    func value(_ constant: net_reference_constant) -> UInt8 {
      UInt8(net_reference_value(constant))
    }
    #expect(NetSegmentationType.none.rawValue == value(net_reference_gso_none))
    #expect(NetSegmentationType.tcpOverIPv4.rawValue == value(net_reference_gso_tcpv4))
    #expect(NetSegmentationType.tcpOverIPv6.rawValue == value(net_reference_gso_tcpv6))
  }
}
