import CRingReference
import RingTransport
import SimulatedXen

/// Sending.
extension NetFrontendQueue {
  /// Slots that more can be put into.
  package var transmitFreeCount: Int { Int(transmitRing.freeCount) }
  /// Packets and other things that have no response.
  package var transmitOutstandingCount: Int { transmissions.count }

  /// Puts a packet into the ring. ``push()`` shows it to the backend.
  ///
  /// - Parameter sizes: bytes of each slot with data, which add up to the packet. Nil for a cut by
  ///   chance, most often one with few slots.
  /// - Returns: its number; nil when it does not fit at the moment.
  @discardableResult
  package func send(_ packet: NetPacket, sizes: [Int]? = nil) -> UInt64? {
    let sizes = sizes ?? randomCut(of: packet.bytes.count)
    precondition(sizes.reduce(0, +) == packet.bytes.count)
    precondition((1...Self.largestSlotCount).contains(sizes.count))
    precondition(packet.bytes.count <= Self.largestPacketByteCount)
    let extras = extras(of: packet)
    guard transmitFreeCount >= sizes.count + extras.count else { return nil }
    var slots: [TransmitSlot] = []
    var position = 0
    for (index, size) in sizes.enumerated() {
      var request = reference_tx_request()
      request.size = UInt16(index == 0 ? packet.bytes.count : size)
      request.flags = index == 0 ? flags(of: packet) : 0
      if index + 1 < sizes.count { request.flags |= NetFlags.moreData }
      slots.append(putData(packet.bytes[position..<(position + size)], &request))
      position += size
      if index == 0 { slots += putExtras(extras) }
    }
    return remember(.packet(packet), slots)
  }

  /// Puts a request into the ring that changes the list of multicast groups, as Windows does: a
  /// slot without data, and the extra.
  ///
  /// - Returns: its number; nil when it does not fit at the moment.
  @discardableResult
  package func changeMulticast(_ address: [UInt8], isAdded: Bool) -> UInt64? {
    guard transmitFreeCount >= 2 else { return nil }
    var request = reference_tx_request()
    request.identifier = freeIdentifier()
    request.flags = NetFlags.extraInfo
    putRequest(request)
    var slots = [TransmitSlot(identifier: request.identifier)]
    slots += putExtras([NetSlot.multicastExtra(address, isAdded: isAdded)])
    return remember(.multicast(address: address, isAdded: isAdded), slots)
  }

  /// Shows the backend all that was put into both rings, and wakes it where it asks for that.
  package func push() {
    if transmitRing.pushRequests() { machine.send(transmitPort, of: domain) }
    if receiveRing.pushRequests() { machine.send(receivePort, of: domain) }
  }

  /// Takes the transmit ring's event, then all responses, and goes back to sleep.
  ///
  /// A guest may ask to be woken by a later response than the next, to be woken less often.
  package func reapTransmitted() throws(PeerFailure) -> [TransmitCompletion] {
    _ = machine.takeEvent(transmitPort, of: domain)
    var completions: [TransmitCompletion] = []
    var ahead: UInt32
    repeat {
      completions += try takeTransmitResponses()
      ahead = 1
      let open = transmissions.reduce(0) { $0 + $1.slots.count }
      if open > 1, generator.chance(percent: 30) {
        ahead = UInt32.random(in: 1...UInt32(open), using: &generator)
      }
    } while transmitRing.armResponseEvent(ahead: ahead)
    return completions
  }

  /// Takes all responses that are there.
  package func takeTransmitResponses() throws(PeerFailure) -> [TransmitCompletion] {
    let open = transmissions.reduce(0) { $0 + $1.slots.count }
    guard transmitRing.unconsumedCount <= UInt32(open) else {
      throw PeerFailure("\(transmitRing.unconsumedCount) transmit responses to \(open) slots")
    }
    var completions: [TransmitCompletion] = []
    while transmitRing.unconsumedCount > 0 {
      let transmission = transmissions.removeFirst()
      var statuses: [Int16] = []
      for slot in transmission.slots {
        let response = try takeTransmitResponse()
        try judge(response, slot)
        if slot.identifier != nil { statuses.append(response.status) }
      }
      completions.append(
        TransmitCompletion(
          serial: transmission.serial, purpose: transmission.purpose, statuses: statuses))
    }
    return completions
  }

  private func takeTransmitResponse() throws(PeerFailure) -> reference_tx_response {
    let place = transmitRing.responseConsumer.slot(in: transmitRing.layout.slotCount)
    guard let slot = transmitRing.takeResponse() else {
      throw PeerFailure("responses to some slots of a sent packet, not to all")
    }
    let behind = reference_tx_response_bytes()
    let isZero = slot[behind...].allSatisfy { $0 == 0 }
    guard isZero || slot[behind...] == transmitSlots[place][behind...] else {
      throw PeerFailure("bytes behind a transmit response are neither the request's nor zero")
    }
    transmitSlots[place] = slot
    return NetSlot.transmitResponse(slot)
  }

  private func judge(
    _ response: reference_tx_response, _ slot: TransmitSlot
  ) throws(PeerFailure) {
    guard let identifier = slot.identifier else {
      guard response.status == Int16(reference_status_null) else {
        throw PeerFailure("an extra was answered with status \(response.status)")
      }
      return
    }
    guard response.identifier == identifier else {
      let isActive = usedIdentifiers.contains(response.identifier)
      throw PeerFailure(
        "transmit response to \(response.identifier), which is "
          + (isActive ? "not the next in the ring" : "not outstanding"))
    }
    guard [0, -1, -2].contains(response.status) else {
      throw PeerFailure("transmit response has status \(response.status)")
    }
    usedIdentifiers.remove(identifier)
    try revoke(slot.reference)
    if let frame = slot.frame { spareFrames.append(frame) }
  }

  private func remember(_ purpose: TransmitPurpose, _ slots: [TransmitSlot]) -> UInt64 {
    nextSerial += 1
    transmissions.append(Transmission(purpose: purpose, serial: nextSerial, slots: slots))
    return nextSerial
  }

  private func flags(of packet: NetPacket) -> UInt16 {
    var flags: UInt16 =
      switch packet.checksum {
      case .unknown: 0
      case .validated: NetFlags.validated
      // Linux sets both. The protocol does not ask for it.
      case .blank: NetFlags.blank | (generator.chance(percent: 80) ? NetFlags.validated : 0)
      }
    if packet.segmentation != nil || packet.hash != nil { flags |= NetFlags.extraInfo }
    return flags
  }

  private func extras(of packet: NetPacket) -> [reference_extra] {
    var extras: [reference_extra] = []
    if let segmentation = packet.segmentation { extras.append(NetSlot.extra(segmentation)) }
    if let hash = packet.hash { extras.append(NetSlot.extra(hash)) }
    return extras
  }

  /// Grants a page with these bytes somewhere in it.
  private func putData(
    _ bytes: ArraySlice<UInt8>, _ request: inout reference_tx_request
  ) -> TransmitSlot {
    let frame = takeFrame()
    let offset = Int.random(in: 0...(xenPageByteCount - bytes.count), using: &generator)
    machine.write(Array(bytes), to: frame, at: offset)
    let reference = machine.grant(frame, of: domain, to: backendDomain, isReadOnly: true)
    request.reference = reference.rawValue
    request.offset = UInt16(offset)
    request.identifier = freeIdentifier()
    putRequest(request)
    return TransmitSlot(identifier: request.identifier, frame: frame, reference: reference)
  }

  private func putExtras(_ extras: [reference_extra]) -> [TransmitSlot] {
    for (index, extra) in extras.enumerated() {
      var extra = extra
      extra.flags = index + 1 < extras.count ? NetFlags.extraMore : 0
      var slot = junk()
      NetSlot.put(extra, into: &slot)
      put(slot)
    }
    return extras.map { _ in TransmitSlot() }
  }

  private func putRequest(_ request: reference_tx_request) {
    var slot = junk()
    NetSlot.put(request, into: &slot)
    put(slot)
  }

  private func put(_ slot: [UInt8]) {
    transmitSlots[transmitRing.requestProducer.slot(in: transmitRing.layout.slotCount)] = slot
    // SAFETY: the raw bytes of initialised integers.
    transmitRing.putRequest(unsafe slot.span.bytes)
  }

  private func junk() -> [UInt8] {
    [UInt8](
      repeating: .random(in: 0...255, using: &generator), count: reference_tx_slot_bytes())
  }

  /// Linux numbers its buffers from 0 to 255.
  private func freeIdentifier() -> UInt16 {
    precondition(usedIdentifiers.count < 256, "one for every slot")
    var identifier = UInt16.random(in: 0..<256, using: &generator)
    while usedIdentifiers.contains(identifier) { identifier = (identifier + 1) % 256 }
    usedIdentifiers.insert(identifier)
    return identifier
  }

  /// Sizes of slots: the fewest, the most, or something in between.
  private func randomCut(of byteCount: Int) -> [Int] {
    let fewest = max(1, (byteCount + xenPageByteCount - 1) / xenPageByteCount)
    let most = min(Self.largestSlotCount, max(1, byteCount))
    var count = fewest
    if generator.chance(percent: 40) {
      count = Int.random(in: fewest...most, using: &generator)
    } else if generator.chance(percent: 20) {
      count = most
    }
    guard features.scatterGather || fewest > 1 else { return [byteCount] }
    var sizes: [Int] = []
    var left = byteCount
    for index in 0..<count {
      let others = count - index - 1
      let smallest = max(1, left - others * xenPageByteCount)
      let largest = min(xenPageByteCount, left - others)
      let isLast = others == 0
      sizes.append(isLast ? left : Int.random(in: smallest...largest, using: &generator))
      left -= sizes[index]
    }
    return sizes
  }
}
