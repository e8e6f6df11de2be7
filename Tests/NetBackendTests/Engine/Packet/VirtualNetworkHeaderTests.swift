import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

struct VirtualNetworkHeaderTests {
  /// The layout of `struct virtio_net_hdr` (linux/virtio_net.h).
  @Test func layout() {
    var header = VirtualNetworkHeader()
    header.flags = .needsChecksum
    header.segmentation = .tcpOverIPv6.withCongestionWindowReduced
    header.headerByteCount = 0x0102
    header.segmentByteCount = 0x0304
    header.checksumStart = 0x0506
    header.checksumOffset = 0x0708
    var bytes = [UInt8](repeating: 0xa5, count: 12)
    bytes.asFrame { header.encode(into: &$0) }
    #expect(bytes == [1, 0x84, 2, 1, 4, 3, 6, 5, 8, 7, 0xa5, 0xa5])
    #expect(VirtualNetworkHeader(unsafe bytes.span.bytes) == header)
    #expect(header.segmentation.kind == .tcpOverIPv6)
  }

  @Test(arguments: testSeeds(count: 50))
  func roundTrip(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let bytes = [UInt8].random(VirtualNetworkHeader.byteCount, &generator)
    let header = VirtualNetworkHeader(unsafe bytes.span.bytes)
    var copy = [UInt8](repeating: 0, count: bytes.count)
    copy.asFrame { header.encode(into: &$0) }
    #expect(copy == bytes)
  }

  @Test func numbersOfTheKernel() {
    #expect(VirtualNetworkHeader.Flags.dataValid.rawValue == 2)
    #expect(VirtualNetworkHeader.Segmentation.tcpOverIPv4.rawValue == 1)
    #expect(VirtualNetworkHeader.Segmentation.udpFragments.rawValue == 3)
    #expect(VirtualNetworkHeader.Segmentation.tcpOverIPv6.rawValue == 4)
    #expect(VirtualNetworkHeader.Segmentation.udpSegments.rawValue == 5)
  }
}
