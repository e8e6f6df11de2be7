internal import Glibc
import RingTransport
import SystemPackage

/// A port through libpcap: works wherever libpcap does, one call a frame, and without offloads.
/// Checksums are finished here; frames to be segmented are refused, for the guest was told so.
struct CapturePort: PolledPort, ~Copyable {
  private var session: PacketSession
  private let ownAddress: EthernetAddress

  /// How many frames one call passes over that are for others.
  private static let foreignFrameCountMax = 64

  /// Opens an interface for the guest with this address.
  init(interface name: String, ownAddress: EthernetAddress) throws(NetPortError) {
    session = try PacketSession(interface: name, direction: .incoming)
    self.ownAddress = ownAddress
  }

  /// What to poll.
  var descriptor: Int32 { session.descriptor }

  mutating func send(
    _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Bool {
    let header = VirtualNetworkHeader(memory.bytes.extracting(droppingFirst: offset))
    let frameOffset = offset + VirtualNetworkHeader.byteCount
    let frameByteCount = byteCount - VirtualNetworkHeader.byteCount
    guard header.segmentation == .none else { return false }
    if header.flags.contains(.needsChecksum) {
      // SAFETY: `address` checks the range. The queue that lends the memory has no view of it while
      // it sends, and nobody else has one.
      var frame = unsafe MutableRawSpan(
        _unsafeStart: memory.address(of: frameOffset, byteCount: frameByteCount),
        byteCount: frameByteCount)
      guard
        InternetChecksum.finish(
          in: &frame, start: Int(header.checksumStart), offset: Int(header.checksumOffset))
      else { return false }
    }
    return session.inject(memory, at: frameOffset, byteCount: frameByteCount)
  }

  mutating func receive(
    into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Int? {
    let headerByteCount = VirtualNetworkHeader.byteCount
    for _ in 0..<Self.foreignFrameCountMax {
      guard
        let frame = session.next(
          into: memory, at: offset + headerByteCount, byteCount: byteCount - headerByteCount)
      else { return nil }
      guard frame.byteCount >= EthernetAddress.byteCount else { continue }
      let destination = EthernetAddress(in: memory.bytes, at: offset + headerByteCount)
      guard destination == ownAddress || destination.isMulticast else { continue }
      // SAFETY: `address` checks the range; nothing is to be done to what libpcap saw.
      unsafe _ = memset(
        memory.address(of: offset, byteCount: headerByteCount), 0, headerByteCount)
      return headerByteCount + frame.byteCount
    }
    return nil
  }
}
