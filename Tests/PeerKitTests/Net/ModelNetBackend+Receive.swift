import CRingReference
import PeerKit
import RingTransport
import SimulatedXen

/// What the guest receives.
extension ModelNetBackend {
  /// Bytes that go into one buffer.
  private var slotCapacity: Int { xenPageByteCount - headroomByteCount }

  /// Puts a packet into as many buffers as it needs.
  ///
  /// - Returns: false when they are not there yet.
  func deliver(_ packet: NetPacket) throws -> Bool {
    let packet = spoil(packet)
    var pieces: [[UInt8]] = []
    var rest = packet.bytes[...]
    let piece = fault == .receiveTooManySlots ? max(1, packet.bytes.count / 24) : slotCapacity
    while !rest.isEmpty {
      pieces.append(Array(rest.prefix(piece)))
      rest = rest.dropFirst(piece)
    }
    if fault == .receiveUnwantedSlots, pieces.count == 1, pieces[0].count > 20 {
      pieces = [Array(pieces[0].prefix(20)), Array(pieces[0].dropFirst(20))]
    }
    if fault == .receiveEmptySlot { pieces.append([]) }
    let extras = extras(of: packet)
    guard receive.waitingCount >= pieces.count + extras.count else { return false }
    var responses: [[UInt8]] = []
    for (index, piece) in pieces.enumerated() {
      responses.append(
        try fill(piece, flags: flags(of: packet, index, pieces.count, !extras.isEmpty)))
      if index == 0 { responses += try extras.map { try slot(of: $0) } }
    }
    publish(responses)
    return true
  }

  private func spoil(_ packet: NetPacket) -> NetPacket {
    var packet = packet
    switch fault {
    case .receiveShortFrame: packet.bytes = Array(packet.bytes.prefix(13))
    case .receiveUnwantedSegments:
      packet.checksum = .blank
      packet.segmentation = .init(isVersion6: false, byteCount: 100)
    case .receiveUnwantedChecksum: packet.checksum = .blank
    case .receiveTooManySlots:
      packet.bytes += [UInt8](repeating: 1, count: 100)
    default: break
    }
    return packet
  }

  private func flags(
    of packet: NetPacket, _ index: Int, _ count: Int, _ hasExtras: Bool
  ) -> UInt16 {
    var flags: UInt16 = index + 1 < count ? 4 : 0
    if index == 0 {
      switch packet.checksum {
      case .unknown: break
      case .validated: flags |= 1
      case .blank: flags |= fault == .receiveBlankAlone ? 2 : 3
      }
      if fault == .receiveSegmentsUnchecked, packet.segmentation != nil { flags &= ~3 }
      if hasExtras || fault == .receiveExtraMissing { flags |= 8 }
      if fault == .receiveUnknownFlag { flags |= 32 }
    } else if fault == .receiveLateFlag {
      flags |= 1
    }
    return flags
  }

  private func extras(of packet: NetPacket) -> [reference_extra] {
    var extras: [reference_extra] = []
    if let segmentation = packet.segmentation {
      var extra = NetSlot.extra(segmentation)
      if fault == .receiveZeroSegments { extra.gso_size = 0 }
      if fault == .receiveExtraPadding { extra.gso_padding = 7 }
      if fault == .receiveUnknownExtra { extra.type = 9 }
      extras.append(extra)
      if fault == .receiveExtraTwice { extras.append(extra) }
    }
    if let hash = packet.hash { extras.append(NetSlot.extra(hash)) }
    if headroomByteCount > 0 {
      var extra = reference_extra()
      extra.type = 5
      extra.headroom = UInt16(headroomByteCount)
      extras.append(extra)
    }
    for index in extras.indices { extras[index].flags = index + 1 < extras.count ? 1 : 0 }
    return extras
  }

  private func slot(of extra: reference_extra) throws -> [UInt8] {
    let request = NetSlot.receiveRequest(receive.take().bytes)
    if fault == .receiveScribbleInExtra { try write([0], request, at: 0) }
    var bytes = [UInt8](repeating: 0, count: 8)
    NetSlot.put(extra, into: &bytes)
    return bytes
  }

  private func fill(_ piece: [UInt8], flags: UInt16) throws -> [UInt8] {
    let request = NetSlot.receiveRequest(receive.take().bytes)
    if !piece.isEmpty { try write(piece, request, at: headroomByteCount) }
    if fault == .receiveScribble, piece.count < 4000 { try write([0], request, at: 4095) }
    if fault == .receiveKeepsPage, kept.isEmpty {
      let pages = try hypervisor.map(
        [GrantReference(rawValue: request.reference)], of: guest)
      kept.append(ModelRing(pages, slotByteCount: 8, port: receive.port))
    }
    var response = reference_rx_response(
      identifier: request.identifier, offset: UInt16(headroomByteCount), flags: flags,
      status: Int16(piece.count))
    if fault == .receiveWrongIdentifier { response.identifier &+= 1 }
    if fault == .receiveTooLong { response.status = 4097 }
    if fault == .receiveOddStatus { response.status = -3 }
    var bytes = [UInt8](repeating: 0, count: 8)
    NetSlot.put(response, into: &bytes)
    return bytes
  }

  private func write(_ bytes: [UInt8], _ request: reference_rx_request, at offset: Int) throws {
    let count = bytes.count
    // SAFETY: the range is checked, and the memory stays for the call.
    unsafe UnsafeMutableRawBufferPointer(
      start: memory.address(of: 0, byteCount: count), count: count
    ).copyBytes(from: bytes)
    batch.removeAll()
    batch.appendCopy(
      from: memory, at: 0, byteCount: bytes.count,
      to: GrantReference(rawValue: request.reference), of: guest, pageOffset: offset)
    try hypervisor.copy(&batch)
    guard batch.succeeded(0) else { throw PeerFailure("the model cannot write a buffer") }
  }

  private func publish(_ responses: [[UInt8]]) {
    var responses = responses
    if fault == .receiveSwapped, responses.count > 1 { responses.swapAt(0, responses.count - 1) }
    if fault == .receiveHalfPacket, responses.count > 1 { responses.removeLast() }
    for response in responses { receive.put(response) }
    if fault == .receiveOverrun { receive.produced &+= 300 }
    receive.publish()
  }
}
