internal import CPcap
internal import Glibc
import RingTransport
import SystemPackage

/// libpcap on one interface, promiscuous and without waiting: the one owner of its session.
@safe struct PacketSession: ~Copyable {
  /// Which frames are seen.
  enum Direction {
    /// Only those that the interface receives: what is sent through a session does not come back.
    case incoming
    case both
  }

  /// A frame that was seen.
  struct Sighting {
    /// Bytes that were copied.
    var byteCount: Int
    /// When it came by, in microseconds since 1970.
    var timeMicroseconds: Int64
  }

  private let session: OpaquePointer

  /// Opens an interface.
  init(interface name: String, direction: Direction) throws(NetPortError) {
    try DescriptorPort.expectInterface(name)
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    // SAFETY: the name and the buffer for the message outlive the call.
    guard let session = unsafe pcap_create(name, &message) else {
      throw .capture(name, reason: Self.text(of: message))
    }
    // SAFETY: the session is open; closed here on failure, and by `deinit` otherwise.
    unsafe pcap_set_snaplen(session, Int32(NetLimits.packetByteCount))
    unsafe pcap_set_promisc(session, 1)
    unsafe pcap_set_immediate_mode(session, 1)
    guard unsafe pcap_activate(session) >= 0, unsafe pcap_datalink(session) == DLT_EN10MB,
      unsafe pcap_setnonblock(session, 1, &message) == 0,
      unsafe pcap_setdirection(session, direction == .incoming ? PCAP_D_IN : PCAP_D_INOUT) == 0
    else {
      let reason = unsafe pcap_geterr(session).map { unsafe String(cString: $0) } ?? ""
      unsafe pcap_close(session)
      throw .capture(name, reason: reason.isEmpty ? "it is no Ethernet interface" : reason)
    }
    unsafe self.session = session
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

  /// Copies the next frame to `offset`, cut to `byteCount` bytes; nil when nothing waits.
  mutating func next(
    into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Sighting? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var bytes: UnsafePointer<UInt8>?
    // SAFETY: the session is open; header and bytes stay valid until the next call.
    guard unsafe pcap_next_ex(session, &header, &bytes) == 1, let header = unsafe header,
      let bytes = unsafe bytes
    else { return nil }
    let time = unsafe header.pointee.ts
    let count = min(Int(unsafe header.pointee.caplen), byteCount)
    // SAFETY: `address` checks the range; libpcap vouches for `caplen` bytes.
    unsafe _ = memcpy(memory.address(of: offset, byteCount: count), bytes, count)
    return Sighting(
      byteCount: count, timeMicroseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_usec))
  }

  /// Sends a frame.
  mutating func inject(
    _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Bool {
    // SAFETY: `address` checks the range; the call reads it and no more.
    unsafe pcap_inject(session, memory.address(of: offset, byteCount: byteCount), byteCount)
      == byteCount
  }

  private static func text(of message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
