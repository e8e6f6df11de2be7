/// The layout that a frontend's requests and responses have, negotiated through its `protocol` node
/// (`xen/io/protocols.h`, `XEN_IO_PROTO_ABI_*`).
///
/// A 32-bit x86 compiler aligns 64-bit fields to four bytes, so everything after `handle` moves.
enum BlockABI: String, CaseIterable, Sendable {
  /// What the backend's own compiler would lay out; on all 64-bit machines as ``x86Bits64``.
  case native64 = "native"
  /// `x86_64-abi`.
  case x86Bits64 = "x86_64-abi"
  /// `x86_32-abi`.
  case x86Bits32 = "x86_32-abi"

  /// The layout for the text of a frontend's `protocol` node, nil for a text that names none.
  ///
  /// A missing node means the 32-bit layout, as in Linux blkback on x86: frontends that old were
  /// 32-bit.
  init?(protocolNode: String?) {
    guard let protocolNode else {
      self = .x86Bits32
      return
    }
    // 64-bit Arm lays out as x86_64 does.
    self.init(rawValue: protocolNode == "arm-abi" ? Self.x86Bits64.rawValue : protocolNode)
  }

  /// Size of one ring slot in bytes: that of the largest request.
  var slotByteCount: Int { self == .x86Bits32 ? 108 : 112 }
  /// Size of a response in bytes, padding included.
  var responseByteCount: Int { self == .x86Bits32 ? 12 : 16 }
  /// Byte offset of a request's `id`, the same for every operation.
  var identifierOffset: Int { self == .x86Bits32 ? 4 : 8 }
  /// Byte offset of a request's `sector_number`.
  var sectorOffset: Int { self == .x86Bits32 ? 12 : 16 }
  /// Byte offset of what follows the sector number: `seg[0]` of a direct request, `nr_sectors` of a
  /// discard, `handle` of an indirect request (whose references follow in the next word).
  var payloadOffset: Int { self == .x86Bits32 ? 20 : 24 }
}
