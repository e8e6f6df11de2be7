internal import CPcap
internal import Glibc
import RingTransport
import SystemPackage

/// A port through libpcap: works wherever libpcap does, one call a frame, and without offloads.
/// Checksums are finished here; frames to be segmented are refused, for the guest was told so.
@safe struct CapturePort: NetPort, ~Copyable {
  private let session: OpaquePointer
  private let ownAddress: EthernetAddress

  /// How many frames one call passes over that are for others.
  private static let foreignFrameCountMax = 64

  /// Opens an interface, promiscuous and non-blocking.
  init(interface name: String, ownAddress: EthernetAddress) throws(NetPortError) {
    try DescriptorPort.expectInterface(name)
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    // SAFETY: the name and the buffer for the message outlive the calls.
    guard let session = unsafe pcap_create(name, &message) else {
      throw .capture(name, reason: Self.text(of: message))
    }
    unsafe pcap_set_snaplen(session, Int32(NetLimits.packetByteCount))
    unsafe pcap_set_promisc(session, 1)
    unsafe pcap_set_immediate_mode(session, 1)
    // SAFETY: the session is open; closed here on failure, and by `deinit` otherwise.
    guard unsafe pcap_activate(session) >= 0, unsafe pcap_datalink(session) == DLT_EN10MB,
      unsafe pcap_setnonblock(session, 1, &message) == 0,
      unsafe pcap_setdirection(session, PCAP_D_IN) == 0
    else {
      let reason = unsafe pcap_geterr(session).map { unsafe String(cString: $0) } ?? ""
      unsafe pcap_close(session)
      throw .capture(name, reason: reason.isEmpty ? "it is no Ethernet interface" : reason)
    }
    unsafe self.session = session
    self.ownAddress = ownAddress
  }

  deinit {
    // SAFETY: the only owner.
    unsafe pcap_close(session)
  }

  /// What to poll.
  var descriptor: Int32 {
    // SAFETY: the session is open.
    unsafe pcap_get_selectable_fd(session)
  }

  mutating func send(
    _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Bool {
    let header = VirtualNetworkHeader(memory.bytes.extracting(droppingFirst: offset))
    let frameOffset = offset + VirtualNetworkHeader.byteCount
    let frameByteCount = byteCount - VirtualNetworkHeader.byteCount
    guard header.segmentation == .none else { return false }
    // SAFETY: `address` checks the range, which the queue's thread owns for the time of the call.
    let address = unsafe memory.address(of: frameOffset, byteCount: frameByteCount)
    if header.flags.contains(.needsChecksum) {
      // SAFETY: as above; nobody else has a view of these bytes.
      var frame = unsafe MutableRawSpan(_unsafeStart: address, byteCount: frameByteCount)
      guard
        InternetChecksum.finish(
          in: &frame, start: Int(header.checksumStart), offset: Int(header.checksumOffset))
      else { return false }
    }
    // SAFETY: the call reads the frame and no more.
    return unsafe pcap_inject(session, address, frameByteCount) == frameByteCount
  }

  mutating func receive(
    into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Int? {
    let room = byteCount - VirtualNetworkHeader.byteCount
    for _ in 0..<Self.foreignFrameCountMax {
      var header: UnsafeMutablePointer<pcap_pkthdr>?
      var bytes: UnsafePointer<UInt8>?
      // SAFETY: the session is open; header and bytes stay valid until the next call.
      guard unsafe pcap_next_ex(session, &header, &bytes) == 1, let header = unsafe header,
        let bytes = unsafe bytes
      else { return nil }
      let count = min(Int(unsafe header.pointee.caplen), room)
      guard count >= EthernetAddress.byteCount else { continue }
      // SAFETY: `address` checks the range; libpcap vouches for `caplen` bytes.
      let target = unsafe memory.address(
        of: offset, byteCount: VirtualNetworkHeader.byteCount + count)
      unsafe memset(target, 0, VirtualNetworkHeader.byteCount)
      unsafe memcpy(target + VirtualNetworkHeader.byteCount, bytes, count)
      let destination = EthernetAddress(
        in: memory.bytes, at: offset + VirtualNetworkHeader.byteCount)
      if destination == ownAddress || destination.isMulticast {
        return VirtualNetworkHeader.byteCount + count
      }
    }
    return nil
  }

  private static func text(of message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
