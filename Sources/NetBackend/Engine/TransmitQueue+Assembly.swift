import RingTransport

/// From slots to packets.
extension TransmitQueue {
  /// Takes packets until the ring is empty or the turn is full.
  mutating func collect(_ policy: VifPolicy, _ now: UInt64) throws(NetViolation) -> Outcome {
    var cursor = 0
    while true {
      guard hasRoom(cursor) else { return Outcome(hasMore: true) }
      guard let first = try takeFirst() else { return Outcome() }
      if case .notBefore(let time) = policy.spendCredit(
        byteCount: Int(first.byteCount), now: now)
      {
        held = first
        return Outcome(notBefore: time)
      }
      try takePacket(first, cursor: &cursor, policy: policy)
    }
  }

  /// Whether one more packet of the largest kind fits into this turn.
  private func hasRoom(_ cursor: Int) -> Bool {
    packets.count < Self.packetCountMax && cursor + Self.packetByteCountMax <= memory.byteCount
      && batch.room >= NetLimits.packetSlotCount
  }

  private mutating func takeFirst() throws(NetViolation) -> NetTransmitRequest? {
    if let first = held {
      held = nil
      return first
    }
    return try takeSlot { NetTransmitRequest(slot: $0) }
  }

  /// Takes one slot out of the ring, once, and decodes the copy.
  private mutating func takeSlot<Value>(
    _ decode: (RawSpan) -> Value
  ) throws(NetViolation) -> Value? {
    do throws(RingViolation) {
      return try ring.take(decode)
    } catch {
      throw .ring(error)
    }
  }

  /// Takes the rest of a packet, and prepares its copies.
  private mutating func takePacket(
    _ first: NetTransmitRequest, cursor: inout Int, policy: VifPolicy
  ) throws(NetViolation) {
    let slotsBefore = slots.count
    slots.append(Slot(identifier: first.identifier, isExtra: false))
    var packet = Packet(
      kind: .frame, offset: cursor + PacketMemory.headroomByteCount,
      byteCount: Int(first.byteCount), flags: first.flags,
      slots: slotsBefore..<slotsBefore, operations: batch.count..<batch.count)
    // Answers are written in ring order and after their packets were sent: the first slot that was
    // not answered ends them.
    let wasSent = inheritedSlotCount > 0 && first.looksAnswered
    if first.flags.contains(.extraInfo) {
      try takeExtras(&packet, wasSent ? nil : policy, since: slotsBefore)
    }
    var fragments = Fragments(first)
    if first.flags.contains(.moreData), case .frame = packet.kind {
      try takeFragments(&fragments, since: slotsBefore)
    }
    packet.slots = slotsBefore..<slots.count
    if inheritedSlotCount > 0 {
      inheritedSlotCount = wasSent ? max(0, inheritedSlotCount - packet.slots.count) : 0
      if wasSent { packet.kind = .answer(.okay) }
    }
    if case .frame = packet.kind { try judge(&packet, fragments) }
    if case .frame = packet.kind {
      appendCopies(&packet, fragments)
      cursor = PacketMemory.end(of: packet.offset, byteCount: packet.byteCount)
    }
    packets.append(packet)
  }

  /// Takes the extra slots that follow a first slot.
  ///
  /// - Parameter policy: nil when what they say was done before.
  private mutating func takeExtras(
    _ packet: inout Packet, _ policy: VifPolicy?, since slotsBefore: Int
  ) throws(NetViolation) {
    for _ in 0..<NetLimits.extraSlotCount {
      let taken = try takeSlot { slot in
        (NetExtraInfo(slot: slot), slot.load(UInt16.self, at: 0))
      }
      guard let (extra, identifier) = taken else {
        throw .incompletePacket(slots: slots.count - slotsBefore)
      }
      slots.append(Slot(identifier: identifier, isExtra: true))
      switch extra.content {
      case .segmentation(let size, let type, _):
        packet.segmentation = Offload.SegmentationRequest(size: size, type: type)
      case .multicastAdd(let address):
        guard let policy else { break }
        packet.kind = .answer(policy.addMulticast(address) ? .okay : .error)
      case .multicastDelete(let address):
        guard let policy else { break }
        policy.removeMulticast(address)
        packet.kind = .answer(.okay)
      case .hash, .expressDataPath:
        // Hints for somebody who uses them.
        break
      case .unknown(let type):
        throw .unknownExtra(type: type)
      }
      if !extra.hasMore { return }
    }
    throw .tooManyExtras
  }

  /// Takes the slots of a packet behind the first.
  private mutating func takeFragments(
    _ fragments: inout Fragments, since slotsBefore: Int
  ) throws(NetViolation) {
    var hasMore = true
    while hasMore {
      guard let next = try takeSlot({ NetTransmitRequest(slot: $0) }) else {
        throw .incompletePacket(slots: slots.count - slotsBefore)
      }
      slots.append(Slot(identifier: next.identifier, isExtra: false))
      guard Int(next.byteOffset) + Int(next.byteCount) <= xenPageByteCount else {
        throw .crossesPage(byteOffset: next.byteOffset, byteCount: next.byteCount)
      }
      fragments.append(next)
      guard fragments.count < NetLimits.fatalPacketSlotCount else { throw .tooManySlots }
      hasMore = next.flags.contains(.moreData)
    }
  }

  /// Checks sizes. What an honest frontend may have got wrong costs the packet only.
  private mutating func judge(
    _ packet: inout Packet, _ fragments: Fragments
  ) throws(NetViolation) {
    guard fragments.count <= NetLimits.packetSlotCount,
      packet.byteCount >= NetLimits.smallestPacketByteCount,
      let firstByteCount = fragments.firstByteCount
    else {
      statistics.malformed += 1
      packet.kind = .answer(.error)
      return
    }
    guard Int(fragments[0].byteOffset) + firstByteCount <= xenPageByteCount else {
      throw .crossesPage(
        byteOffset: fragments[0].byteOffset, byteCount: UInt16(firstByteCount))
    }
  }

  private mutating func appendCopies(_ packet: inout Packet, _ fragments: Fragments) {
    let operationsBefore = batch.count
    var offset = packet.offset
    for index in 0..<fragments.count {
      let fragment = fragments[index]
      let byteCount =
        index == 0 ? fragments.firstByteCount ?? 0 : Int(fragment.byteCount)
      // XSA-448: a slot without data is no data.
      guard byteCount > 0 else { continue }
      batch.appendCopy(
        from: fragment.grantReference, of: frontendDomain,
        pageOffset: Int(fragment.byteOffset), byteCount: byteCount, to: memory, at: offset)
      offset += byteCount
    }
    packet.operations = operationsBefore..<batch.count
  }
}

/// The slots of one packet that hold data.
private struct Fragments {
  private var requests: InlineArray<20, NetTransmitRequest>
  private(set) var count = 1
  /// Sum over all but the first slot.
  private var restByteCount = 0

  init(_ first: NetTransmitRequest) {
    requests = InlineArray(repeating: first)
  }

  subscript(index: Int) -> NetTransmitRequest { requests[index] }

  /// The size of the first slot's data, which is not told: the first slot has the packet's size.
  /// Nil when the other slots are more than the packet.
  var firstByteCount: Int? {
    let rest = Int(requests[0].byteCount) - restByteCount
    return rest >= 0 ? rest : nil
  }

  mutating func append(_ request: NetTransmitRequest) {
    requests[count] = request
    count += 1
    restByteCount += Int(request.byteCount)
  }
}
