import CRingReference
import RingTransport
import SimulatedXen

/// Receiving.
extension NetFrontendQueue {
  /// Buffers that the backend may fill.
  package var bufferCount: Int { postedCount }

  /// Puts up to `count` buffers into the ring, as far as ``bufferCountMax`` lets it. ``push()``
  /// shows them to the backend.
  package func postBuffers(upTo count: Int = .max) {
    var left = count
    while left > 0, receiveRing.freeCount > 0, postedCount < bufferCountMax {
      postBuffer()
      left -= 1
    }
  }

  private func postBuffer() {
    let frame = takeFrame()
    let filling = UInt8.random(in: 1...255, using: &generator)
    machine.write([UInt8](repeating: filling, count: xenPageByteCount), to: frame)
    let reference = machine.grant(frame, of: domain, to: backendDomain)
    let place = receiveRing.requestProducer.slot(in: receiveRing.layout.slotCount)
    // Any number will do, as long as the backend gives it back.
    let identifier = UInt16.random(in: 0 ... .max, using: &generator)
    var slot = [UInt8](
      repeating: .random(in: 0...255, using: &generator), count: reference_rx_slot_bytes())
    NetSlot.put(
      reference_rx_request(identifier: identifier, reference: reference.rawValue), into: &slot)
    receiveSlots[place] = slot
    posted[place] = Posted(
      identifier: identifier, frame: frame, reference: reference, filling: filling)
    postedCount += 1
    // SAFETY: the raw bytes of initialised integers.
    receiveRing.putRequest(unsafe slot.span.bytes)
  }

  /// Takes the receive ring's event, then all packets, and goes back to sleep. New buffers are for
  /// the caller to post.
  package func takeReceived() throws(PeerFailure) -> [ReceivedPacket] {
    _ = machine.takeEvent(receivePort, of: domain)
    var packets: [ReceivedPacket] = []
    repeat {
      packets += try takePackets()
    } while receiveRing.armResponseEvent()
    return packets
  }

  private func takePackets() throws(PeerFailure) -> [ReceivedPacket] {
    guard receiveRing.unconsumedCount <= UInt32(postedCount) else {
      throw PeerFailure(
        "\(receiveRing.unconsumedCount) receive responses to \(postedCount) buffers")
    }
    var packets: [ReceivedPacket] = []
    while receiveRing.unconsumedCount > 0 { packets.append(try takePacket()) }
    return packets
  }

  /// Takes one packet: a slot with data, its extras, more slots with data.
  private func takePacket() throws(PeerFailure) -> ReceivedPacket {
    var (buffer, slot) = try takeSlot()
    let first = NetSlot.receiveResponse(slot)
    var packet = NetPacket([])
    packet.checksum = try checksum(first.flags)
    var isFailed = !(try append(first, buffer, to: &packet))
    let extras = try takeExtras(after: first, to: &packet)
    var flags = first.flags
    var slotCount = 1
    while flags & NetFlags.receivedMoreData != 0 {
      (buffer, slot) = try takeSlot()
      let next = NetSlot.receiveResponse(slot)
      guard next.flags & ~NetFlags.receivedMoreData == 0 else {
        throw PeerFailure("flags \(next.flags) behind the first slot of a received packet")
      }
      if !(try append(next, buffer, to: &packet)) { isFailed = true }
      flags = next.flags
      slotCount += 1
    }
    if isFailed { return ReceivedPacket(packet: nil, slotCount: slotCount, headroom: nil) }
    try judge(packet, slotCount: slotCount, extras: extras)
    return ReceivedPacket(packet: packet, slotCount: slotCount, headroom: extras.headroom)
  }

  /// Takes a response, and back the buffer that was posted in its slot.
  private func takeSlot() throws(PeerFailure) -> (Posted, [UInt8]) {
    let place = receiveRing.responseConsumer.slot(in: receiveRing.layout.slotCount)
    guard let slot = receiveRing.takeResponse() else {
      throw PeerFailure("half a received packet was published")
    }
    guard let buffer = posted[place] else {
      throw PeerFailure("a receive response where no buffer was posted")
    }
    posted[place] = nil
    postedCount -= 1
    receiveSlots[place] = slot
    try revoke(buffer.reference)
    spareFrames.append(buffer.frame)
    return (buffer, slot)
  }

  /// Adds the bytes of a slot; all around them must be what was there before.
  ///
  /// - Returns: false when the backend says that it failed.
  private func append(
    _ response: reference_rx_response, _ buffer: Posted, to packet: inout NetPacket
  ) throws(PeerFailure) -> Bool {
    guard response.identifier == buffer.identifier else {
      throw PeerFailure(
        "receive response to \(response.identifier) in the slot of \(buffer.identifier)")
    }
    guard response.status >= 0 else {
      guard [-1, -2].contains(response.status) else {
        throw PeerFailure("receive response has status \(response.status)")
      }
      return false
    }
    let (start, count) = (Int(response.offset), Int(response.status))
    guard count > 0, start + count <= xenPageByteCount else {
      throw PeerFailure("\(count) bytes at \(start) in a receive buffer")
    }
    let page = machine.read(buffer.frame)
    let untouched = [UInt8](repeating: buffer.filling, count: xenPageByteCount)
    let isUntouched =
      page[..<start] == untouched[..<start]
      && page[(start + count)...] == untouched[(start + count)...]
    guard isUntouched || hasSeenCrash else {
      throw PeerFailure("bytes of a receive buffer around the data were written")
    }
    guard start >= features.headroomByteCount || !packet.bytes.isEmpty else {
      throw PeerFailure("data at \(start), in the headroom")
    }
    packet.bytes += page[start..<(start + count)]
    return true
  }

  private func checksum(_ flags: UInt16) throws(PeerFailure) -> NetPacket.Checksum {
    let known =
      NetFlags.receivedBlank | NetFlags.receivedValidated | NetFlags.receivedMoreData
      | NetFlags.receivedExtraInfo
    guard flags & ~known == 0 else { throw PeerFailure("flags \(flags) on a received packet") }
    if flags & NetFlags.receivedBlank != 0 {
      // Windows asserts it, and Linux's backend sets both.
      guard flags & NetFlags.receivedValidated != 0 else {
        throw PeerFailure("a blank checksum without the flag for validated data")
      }
      return .blank
    }
    return flags & NetFlags.receivedValidated != 0 ? .validated : .unknown
  }

  private func takeExtras(
    after first: reference_rx_response, to packet: inout NetPacket
  ) throws(PeerFailure) -> Extras {
    var extras = Extras()
    var isMore = first.flags & NetFlags.receivedExtraInfo != 0
    while isMore {
      let (buffer, slot) = try takeSlot()
      let isUntouched = machine.read(buffer.frame).allSatisfy { $0 == buffer.filling }
      guard isUntouched || hasSeenCrash else {
        throw PeerFailure("the buffer of an extra was written")
      }
      let extra = NetSlot.extra(slot)
      guard extras.types.insert(extra.type).inserted else {
        throw PeerFailure("two extras of type \(extra.type)")
      }
      guard extra.flags & ~NetFlags.extraMore == 0 else {
        throw PeerFailure("an extra with flags \(extra.flags)")
      }
      try take(extra, &extras, &packet)
      isMore = extra.flags & NetFlags.extraMore != 0
    }
    return extras
  }

  private func take(
    _ extra: reference_extra, _ extras: inout Extras, _ packet: inout NetPacket
  ) throws(PeerFailure) {
    switch Int32(extra.type) {
    case Int32(reference_extra_gso):
      guard extra.gso_size > 0, [1, 2].contains(extra.gso_type), extra.gso_features == 0,
        extra.gso_padding == 0
      else {
        throw PeerFailure(
          "segments of size \(extra.gso_size), type \(extra.gso_type), "
            + "features \(extra.gso_features), padding \(extra.gso_padding)")
      }
      packet.segmentation = .init(
        isVersion6: extra.gso_type == 2, byteCount: extra.gso_size)
    case Int32(reference_extra_hash) where features.hashes:
      packet.hash = .init(
        type: extra.hash_type, algorithm: extra.hash_algorithm, value: extra.hash_value)
    case Int32(reference_extra_xdp) where features.headroomByteCount > 0:
      extras.headroom = Int(extra.headroom)
    default:
      throw PeerFailure("an extra of type \(extra.type), which nobody asked for")
    }
  }

  /// What a frontend may rely on, having said what it can take.
  private func judge(
    _ packet: NetPacket, slotCount: Int, extras: Extras
  ) throws(PeerFailure) {
    guard packet.bytes.count >= 14 else {
      throw PeerFailure("a received frame of \(packet.bytes.count) bytes")
    }
    guard packet.bytes.count <= Self.largestPacketByteCount,
      slotCount <= Self.largestSlotCount
    else {
      throw PeerFailure("a received packet of \(packet.bytes.count) bytes, \(slotCount) slots")
    }
    guard features.scatterGather || slotCount == 1 else {
      throw PeerFailure("\(slotCount) slots for a guest that takes one")
    }
    if let segmentation = packet.segmentation {
      guard packet.checksum == .blank else {
        throw PeerFailure("segments without a blank checksum")
      }
      guard segmentation.isVersion6 ? features.segmentation6 : features.segmentation4 else {
        throw PeerFailure("segments for a guest that does not take them")
      }
    }
    let isVersion6 = packet.bytes[12...13] == [0x86, 0xdd]
    guard packet.checksum != .blank || (isVersion6 ? features.checksum6 : features.checksum4)
    else { throw PeerFailure("a blank checksum for a guest that does not take it") }
    guard features.headroomByteCount == 0 || extras.headroom == features.headroomByteCount else {
      throw PeerFailure("no word of the headroom that the guest asked for")
    }
  }
}

/// What stood in the extras of a received packet, besides the packet's own properties.
private struct Extras {
  var types: Set<UInt8> = []
  var headroom: Int?
}

/// What came out of the receive ring.
package struct ReceivedPacket: Hashable, Sendable {
  /// The packet; nil when the backend said that it failed.
  package let packet: NetPacket?
  /// Slots with data that it took.
  package let slotCount: Int
  /// The headroom that the backend says it left, in bytes.
  package let headroom: Int?
}
