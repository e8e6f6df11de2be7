import RingTransport

/// From frames to slots.
extension ReceiveQueue {
  /// Takes frames until there are none, or no pages for the next, or the turn is full.
  mutating func collect<Port: NetPort & ~Copyable>(
    port: inout Port, policy: VifPolicy, now: UInt64
  ) throws(NetViolation) -> Outcome {
    while true {
      if pending == nil {
        guard packetCount < Self.packetCountMax else { return Outcome(hasMore: true) }
        if let frame = record.takeNext() {
          packetCount += 1
          pending = judge(frame, policy)
        } else if try waitingSlotCount() == 0 {
          // Without a single page there is no need to take a frame out of its queue.
          if batch.count > 0 { return Outcome(hasMore: true) }
          return try wait(forSlots: 1, port: &port, now: now)
        } else if port.readsAhead {
          return Outcome(hasMore: true, readsAhead: true)
        } else {
          guard hasPlace(at: cursor) else { return Outcome(hasMore: true) }
          guard readFrame(port: &port) else { return Outcome(wantsFrames: true) }
        }
      }
      guard let packet = pending else { continue }
      guard try waitingSlotCount() >= packet.slotCount, batch.room >= packet.dataSlotCount else {
        if batch.count > 0 { return Outcome(hasMore: true) }
        return try wait(forSlots: packet.slotCount, port: &port, now: now)
      }
      waitsSince = nil
      pending = nil
      try place(packet)
    }
  }

  private func waitingSlotCount() throws(NetViolation) -> Int {
    do throws(RingViolation) {
      return Int(try ring.waitingRequestCount())
    } catch {
      throw .ring(error)
    }
  }

  /// Asks the guest for an event when there are enough pages. When it takes too long, everything
  /// that waits is dropped.
  private mutating func wait<Port: NetPort & ~Copyable>(
    forSlots count: Int, port: inout Port, now: UInt64
  ) throws(NetViolation) -> Outcome {
    do throws(RingViolation) {
      if try ring.armRequestEvent(needing: UInt32(count)) { return Outcome(hasMore: true) }
    } catch {
      throw .ring(error)
    }
    let since = waitsSince ?? now
    waitsSince = since
    guard now - since >= Self.stallNanoseconds else {
      let stall = since + Self.stallNanoseconds
      return Outcome(notBefore: sendsEvents ? stall : min(stall, now + Self.pollNanoseconds))
    }
    if pending != nil {
      pending = nil
      statistics.stalled += 1
    }
    statistics.stalled += UInt64(record.dropNext())
    record.finish(isLastWaiting: false)
    cursor = firstFreeOffset
    // A bounded number: a flood must not keep this queue from sending.
    for _ in 0..<Self.packetCountMax {
      guard
        port.receive(into: memory, at: cursor, byteCount: Self.frameByteCountMax) != nil
      else {
        // The next frame brings us back here.
        return Outcome(wantsFrames: true)
      }
      statistics.stalled += 1
    }
    return Outcome(hasMore: true)
  }

  /// Publishes what an earlier process has written into the ring. The frames are in the guest, so
  /// they are no more among those that it has left.
  mutating func publishInherited(_ policy: VifPolicy) throws(NetViolation) {
    mayInherit = false
    let inherited: InheritedAnswers
    do throws(RingViolation) {
      inherited = try InheritedAnswers(publishingIn: &ring)
    } catch {
      throw .ring(error)
    }
    var next = takeLeft(policy)
    for byteCount in inherited.packetByteCounts {
      statistics.receivedPackets += 1
      statistics.receivedBytes += UInt64(byteCount)
      // Another size is the beginning of a frame that was cut by the process before.
      if let packet = next, packet.byteCount == byteCount { next = takeLeft(policy) }
    }
    pending = next
    record.finish(isLastWaiting: pending != nil)
  }

  /// The next frame for the guest of those that an earlier process has left.
  private mutating func takeLeft(_ policy: VifPolicy) -> Packet? {
    while let left = record.takeNext() {
      if let packet = judge(left, policy) { return packet }
    }
    return nil
  }

  /// Takes the slots for a packet and prepares copies and announcements.
  private mutating func place(_ packet: Packet) throws(NetViolation) {
    var rest = packet.byteCount
    var offset = packet.offset
    var isFirst = true
    while rest > 0 {
      let request = try takeSlot()
      let count = min(rest, packet.pageByteCount)
      let operation = batch.count
      batch.appendCopy(
        from: memory, at: offset, byteCount: count, to: request.grantReference,
        of: frontendDomain, pageOffset: packet.headroomByteCount)
      rest -= count
      offset += count
      var flags: NetReceiveResponse.Flags = rest > 0 ? .moreData : []
      if isFirst { flags.formUnion(packet.announcement.flags) }
      if isFirst, packet.extraCount > 0 { flags.formUnion(.extraInfo) }
      announcements.append(
        .data(
          NetReceiveResponse(
            identifier: request.identifier, byteOffset: UInt16(packet.headroomByteCount),
            flags: flags, byteCount: count), operation: operation))
      if isFirst { try placeExtras(packet) }
      isFirst = false
    }
    statistics.receivedPackets += 1
    statistics.receivedBytes += UInt64(packet.byteCount)
    if packet.announcement.segmentation != nil { statistics.receivedSegmented += 1 }
  }

  /// Extras lie behind the first slot of data. They take the slots of pages that stay unused.
  private mutating func placeExtras(_ packet: Packet) throws(NetViolation) {
    var left = packet.extraCount
    if let segmentation = packet.announcement.segmentation {
      try placeExtra(segmentation.extra, &left)
    }
    if let hash = packet.hash { try placeExtra(hash.extra, &left) }
    if packet.headroomByteCount > 0 {
      try placeExtra(
        .expressDataPath(headroomByteCount: UInt16(packet.headroomByteCount)), &left)
    }
  }

  private mutating func placeExtra(
    _ content: NetExtraInfo.Content, _ left: inout Int
  ) throws(NetViolation) {
    left -= 1
    _ = try takeSlot()
    announcements.append(.extra(NetExtraInfo(content, hasMore: left > 0)))
  }

  private mutating func takeSlot() throws(NetViolation) -> NetReceiveRequest {
    let request: NetReceiveRequest?
    do throws(RingViolation) {
      request = try ring.take { NetReceiveRequest(slot: $0) }
    } catch {
      throw .ring(error)
    }
    // They were counted, but the count is the guest's to change at any moment.
    guard let request else { throw .pagesTakenBack }
    return request
  }
}
