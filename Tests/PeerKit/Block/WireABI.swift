package import CRingReference

/// A layout of requests and responses that guests use.
package enum WireABI: CaseIterable, Sendable {
  /// The layout of the compiler that built the guest, on a 64-bit machine.
  case native64
  /// `x86_64-abi`.
  case x86Bits64
  /// `x86_32-abi`.
  case x86Bits32

  /// The layout in C.
  package var reference: reference_abi {
    switch self {
    case .native64: reference_native64
    case .x86Bits64: reference_x86_64
    case .x86Bits32: reference_x86_32
    }
  }

  /// Size of a slot in bytes, as C has it.
  package var slotByteCount: Int { reference_slot_bytes(reference) }
  /// Size of a response in bytes, as C has it.
  package var responseByteCount: Int { reference_response_bytes(reference) }

  /// A slot with a request in it, over bytes that were there before.
  package func encode(_ request: reference_request, over slot: [UInt8]) -> [UInt8] {
    precondition(slot.count >= slotByteCount)
    var slot = slot
    var request = request
    unsafe slot.withUnsafeMutableBytes { bytes in
      // SAFETY: the slot is large enough for any request; both live for the call.
      unsafe reference_encode(reference, &request, bytes.baseAddress)
    }
    return slot
  }

  /// The response in a slot.
  package func decodeResponse(_ slot: [UInt8]) -> reference_response {
    precondition(slot.count >= responseByteCount)
    var response = reference_response()
    unsafe slot.withUnsafeBytes { bytes in
      // SAFETY: the slot is large enough for a response; both live for the call.
      unsafe reference_decode_response(reference, bytes.baseAddress, &response)
    }
    return response
  }

  /// An indirect page with these segments, zero behind them.
  package static func indirectPage(_ segments: [reference_segment]) -> [UInt8] {
    precondition(segments.count <= 512)
    var page = [UInt8](repeating: 0, count: 4096)
    unsafe page.withUnsafeMutableBytes { bytes in
      for (index, segment) in segments.enumerated() {
        // SAFETY: at most 512 segments of 8 bytes fit in the page.
        unsafe reference_encode_segment(bytes.baseAddress, index, segment)
      }
    }
    return page
  }
}
