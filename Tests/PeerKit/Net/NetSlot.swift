package import CRingReference

/// Slots of the rings of a network device, put together and taken apart by the C structures of
/// Xen's header.
package enum NetSlot {
  /// A transmit request over what was in the slot.
  package static func put(_ request: reference_tx_request, into slot: inout [UInt8]) {
    precondition(slot.count >= reference_tx_slot_bytes())
    var request = request
    // SAFETY: the slot is large enough; both live for the call.
    unsafe slot.withUnsafeMutableBytes { unsafe reference_put_tx_request(&request, $0.baseAddress) }
  }

  /// A transmit response over what was in the slot.
  package static func put(_ response: reference_tx_response, into slot: inout [UInt8]) {
    precondition(slot.count >= reference_tx_response_bytes())
    var response = response
    // SAFETY: as above.
    unsafe slot.withUnsafeMutableBytes {
      unsafe reference_put_tx_response(&response, $0.baseAddress)
    }
  }

  /// A receive request over what was in the slot.
  package static func put(_ request: reference_rx_request, into slot: inout [UInt8]) {
    precondition(slot.count >= reference_rx_slot_bytes())
    var request = request
    // SAFETY: as above.
    unsafe slot.withUnsafeMutableBytes { unsafe reference_put_rx_request(&request, $0.baseAddress) }
  }

  /// A receive response over what was in the slot.
  package static func put(_ response: reference_rx_response, into slot: inout [UInt8]) {
    precondition(slot.count >= reference_rx_slot_bytes())
    var response = response
    // SAFETY: as above.
    unsafe slot.withUnsafeMutableBytes {
      unsafe reference_put_rx_response(&response, $0.baseAddress)
    }
  }

  /// An extra over what was in the slot.
  package static func put(_ extra: reference_extra, into slot: inout [UInt8]) {
    precondition(slot.count >= reference_rx_slot_bytes())
    var extra = extra
    // SAFETY: as above; an extra fits into a slot of either ring.
    unsafe slot.withUnsafeMutableBytes { unsafe reference_put_extra(&extra, $0.baseAddress) }
  }

  /// A control request over what was in the slot.
  package static func put(_ request: reference_control_request, into slot: inout [UInt8]) {
    precondition(slot.count >= reference_control_slot_bytes())
    var request = request
    // SAFETY: as above.
    unsafe slot.withUnsafeMutableBytes {
      unsafe reference_put_control_request(&request, $0.baseAddress)
    }
  }

  /// A control response over what was in the slot.
  package static func put(_ response: reference_control_response, into slot: inout [UInt8]) {
    precondition(slot.count >= reference_control_response_bytes())
    var response = response
    // SAFETY: as above.
    unsafe slot.withUnsafeMutableBytes {
      unsafe reference_put_control_response(&response, $0.baseAddress)
    }
  }

  /// The transmit request in a slot.
  package static func transmitRequest(_ slot: [UInt8]) -> reference_tx_request {
    precondition(slot.count >= reference_tx_slot_bytes())
    // SAFETY: the slot is large enough and lives for the call.
    return unsafe slot.withUnsafeBytes { unsafe reference_get_tx_request($0.baseAddress) }
  }

  /// The transmit response in a slot.
  package static func transmitResponse(_ slot: [UInt8]) -> reference_tx_response {
    precondition(slot.count >= reference_tx_response_bytes())
    // SAFETY: as above.
    return unsafe slot.withUnsafeBytes { unsafe reference_get_tx_response($0.baseAddress) }
  }

  /// The receive request in a slot.
  package static func receiveRequest(_ slot: [UInt8]) -> reference_rx_request {
    precondition(slot.count >= reference_rx_slot_bytes())
    // SAFETY: as above.
    return unsafe slot.withUnsafeBytes { unsafe reference_get_rx_request($0.baseAddress) }
  }

  /// The receive response in a slot.
  package static func receiveResponse(_ slot: [UInt8]) -> reference_rx_response {
    precondition(slot.count >= reference_rx_slot_bytes())
    // SAFETY: as above.
    return unsafe slot.withUnsafeBytes { unsafe reference_get_rx_response($0.baseAddress) }
  }

  /// The extra in a slot.
  package static func extra(_ slot: [UInt8]) -> reference_extra {
    precondition(slot.count >= reference_rx_slot_bytes())
    // SAFETY: as above.
    return unsafe slot.withUnsafeBytes { unsafe reference_get_extra($0.baseAddress) }
  }

  /// The control request in a slot.
  package static func controlRequest(_ slot: [UInt8]) -> reference_control_request {
    precondition(slot.count >= reference_control_slot_bytes())
    // SAFETY: as above.
    return unsafe slot.withUnsafeBytes { unsafe reference_get_control_request($0.baseAddress) }
  }

  /// The control response in a slot.
  package static func controlResponse(_ slot: [UInt8]) -> reference_control_response {
    precondition(slot.count >= reference_control_response_bytes())
    // SAFETY: as above.
    return unsafe slot.withUnsafeBytes { unsafe reference_get_control_response($0.baseAddress) }
  }

  /// The extra that says how a packet is to be cut into segments.
  package static func extra(_ segmentation: NetPacket.Segmentation) -> reference_extra {
    var extra = reference_extra()
    extra.type = UInt8(reference_extra_gso)
    extra.gso_size = segmentation.byteCount
    extra.gso_type = segmentation.isVersion6 ? 2 : 1
    return extra
  }

  /// The extra that carries a packet's hash.
  package static func extra(_ hash: NetPacket.Hash) -> reference_extra {
    var extra = reference_extra()
    extra.type = UInt8(reference_extra_hash)
    extra.hash_type = hash.type
    extra.hash_algorithm = hash.algorithm
    extra.hash_value = hash.value
    return extra
  }

  /// The extra that puts an address on the list of multicast groups, or takes it off.
  package static func multicastExtra(_ address: [UInt8], isAdded: Bool) -> reference_extra {
    precondition(address.count == 6)
    var extra = reference_extra()
    extra.type = UInt8(isAdded ? reference_extra_multicast_add : reference_extra_multicast_delete)
    unsafe address.withUnsafeBufferPointer {
      // SAFETY: six bytes, for the time of the call.
      unsafe reference_set_address(&extra, $0.baseAddress)
    }
    return extra
  }
}

/// Bits of the fields that are 16 bits wide on the wire.
enum NetFlags {
  static let blank = UInt16(reference_tx_checksum_blank)
  static let validated = UInt16(reference_tx_data_validated)
  static let moreData = UInt16(reference_tx_more_data)
  static let extraInfo = UInt16(reference_tx_extra_info)
  static let receivedBlank = UInt16(reference_rx_checksum_blank)
  static let receivedValidated = UInt16(reference_rx_data_validated)
  static let receivedMoreData = UInt16(reference_rx_more_data)
  static let receivedExtraInfo = UInt16(reference_rx_extra_info)
  static let extraMore = UInt8(reference_extra_more)
}
