import RingTransport

/// From the port to frames that are known and judged.
extension ReceiveQueue {
  /// Gives the place into which a frame is to be read while the queue's thread waits, until
  /// ``frameArrived(byteCount:port:)``.
  mutating func awaitFrame() -> IncomingFrame {
    isAwaitingFrame = true
    return expectFrame(at: 0)
  }

  /// The frame has come, with its header; nil when the read has failed.
  mutating func frameArrived<Port: NetPort & ~Copyable>(byteCount: Int?, port: inout Port) {
    isAwaitingFrame = false
    guard let byteCount else { return }
    if pending == nil, !record.hasNext { cursor = firstFreeOffset }
    var frame = Self.place(at: 0)
    frame.byteCount = port.accept(memory, at: frame.offset, byteCount: byteCount)
    note(frame)
    expectNoMore()
  }

  /// Reads the next frame of the port.
  ///
  /// - Returns: whether there was one, for this guest or not.
  mutating func readFrame<Port: NetPort & ~Copyable>(port: inout Port) -> Bool {
    packetCount += 1
    var frame = expectFrame(at: cursor)
    frame.byteCount = port.receive(
      into: memory, at: frame.offset, byteCount: frame.roomByteCount)
    note(frame)
    expectNoMore()
    return frame.byteCount != nil
  }

  /// Finds places behind the frames that are being copied.
  ///
  /// - Returns: whether there are any.
  mutating func preparePlaces() -> Bool {
    arrivals.removeAll(keepingCapacity: true)
    var start = cursor
    while arrivals.count < Self.placeCountMax, hasPlace(at: start) {
      arrivals.append(markedPlace(at: start))
      start += Self.placeByteCount
    }
    record.expectFrames(inPlaces: arrivals.count, at: cursor)
    return !arrivals.isEmpty
  }

  /// Takes in what has come to the prepared places.
  mutating func noteArrivals() {
    for index in arrivals.indices { note(arrivals[index]) }
    expectNoMore()
  }

  /// Whether a frame of any size fits behind `start`.
  func hasPlace(at start: Int) -> Bool { start + Self.placeByteCount <= memory.byteCount }

  /// Where the first frame goes while none is kept.
  var firstFreeOffset: Int { isAwaitingFrame ? Self.placeByteCount : 0 }

  private mutating func expectFrame(at start: Int) -> IncomingFrame {
    let place = markedPlace(at: start)
    record.expectFrames(inPlaces: 1, at: start)
    return place
  }

  /// What came is noted, and no more comes but for the frame that the thread waits for.
  private mutating func expectNoMore() {
    record.expectFrames(inPlaces: isAwaitingFrame ? 1 : 0, at: 0)
  }

  private mutating func markedPlace(at start: Int) -> IncomingFrame {
    let place = Self.place(at: start)
    var bytes = memory.mutableBytes(place.offset..<place.offset + place.roomByteCount)
    bytes.store(Self.mark, at: 0)
    return place
  }

  /// What no header begins with: a place where it stands is empty.
  private static var mark: UInt16 { .max }

  /// A place for a header and a frame of any size.
  static func place(at start: Int) -> IncomingFrame {
    let headerByteCount = VirtualNetworkHeader.byteCount
    return IncomingFrame(
      offset: start + PacketMemory.headroomByteCount - headerByteCount,
      roomByteCount: headerByteCount + frameByteCountMax)
  }

  /// Takes in what has come to a place.
  private mutating func note(_ frame: IncomingFrame) {
    guard let count = frame.byteCount else { return }
    let byteCount = count - VirtualNetworkHeader.byteCount
    guard byteCount >= NetLimits.smallestPacketByteCount,
      byteCount <= NetLimits.packetByteCount
    else {
      statistics.undeliverable += 1
      return
    }
    let offset = frame.offset + VirtualNetworkHeader.byteCount
    record.add(FrameRecord<StatusPage>.Frame(offset: offset, byteCount: byteCount))
  }

  /// Takes over the frames of an earlier process, also those that had come and that it did not live
  /// to note. How large one of these is, only its own headers say.
  mutating func restoreFrames() {
    record.restore()
    let (count, start) = record.places
    guard count <= Self.placeCountMax, start <= memory.byteCount - count * Self.placeByteCount
    else { return }
    for index in 0..<count {
      let place = Self.place(at: start + index * Self.placeByteCount)
      let offset = place.offset + VirtualNetworkHeader.byteCount
      guard memory.bytes.load(UInt16.self, at: place.offset) != Self.mark,
        !record.hasNext(at: offset),
        let byteCount = FrameHeaders.frameByteCount(
          memory.bytes.extracting(offset..<offset + Self.frameByteCountMax))
      else { continue }
      var frame = place
      frame.byteCount = VirtualNetworkHeader.byteCount + byteCount
      note(frame)
    }
    expectNoMore()
  }

  /// - Returns: nil when the frame is not for the guest, or not as it is.
  mutating func judge(
    _ frame: FrameRecord<StatusPage>.Frame, _ policy: VifPolicy
  ) -> Packet? {
    let (offset, byteCount) = (frame.offset, frame.byteCount)
    // Also behind what is dropped: it is in the record.
    cursor = max(cursor, PacketMemory.end(of: offset, byteCount: byteCount))
    let range = offset..<offset + byteCount
    guard policy.admits(EthernetAddress(in: memory.bytes, at: offset)) else {
      statistics.filtered += 1
      return nil
    }
    let start = offset - VirtualNetworkHeader.byteCount
    let header = VirtualNetworkHeader(memory.bytes.extracting(start..<offset))
    let features = features
    do throws(OffloadRefusal) {
      var frame = memory.mutableBytes(range)
      let announcement = try Offload.incoming(&frame, header: header, features: features)
      if header.flags.contains(.needsChecksum), !announcement.flags.contains(.checksumBlank) {
        // It has been finished, and must not be once more by whoever finds the frame here.
        var room = memory.mutableBytes(start..<offset)
        VirtualNetworkHeader().encode(into: &room)
      }
      let packet = Packet(
        offset: offset, byteCount: byteCount, announcement: announcement,
        hash: policy.hash(of: memory.bytes.extracting(range)),
        headroomByteCount: headroomByteCount)
      guard packet.dataSlotCount == 1 || features.contains(.scatterGather) else {
        statistics.undeliverable += 1
        return nil
      }
      return packet
    } catch {
      statistics.undeliverable += 1
      return nil
    }
  }
}
