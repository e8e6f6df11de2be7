import CRingReference
import RingTransport
import SimulatedXen

/// Packets with at most a few things wrong.
extension HostileNetFrontend {
  /// A slot of the transmit ring before it is written.
  enum Slot {
    case request(reference_tx_request)
    case extra(reference_extra)
    case junk
  }

  /// Puts packets into the ring as far as there is room. The last one may be cut off there, which
  /// leaves half a packet in the ring.
  func sendPackets(_ count: Int) {
    for _ in 0..<count {
      let slots = nearlyValidPacket()
      if isSubtle, transmit.room < UInt32(slots.count) { break }
      for slot in slots {
        guard transmit.room > 0 else { break }
        put(slot)
      }
    }
    transmit.pages.storeReleasing(transmit.produced, at: RingLayout.requestProducerOffset)
    // Sometimes it forgets to say so.
    if generator.chance(percent: 90) { machine.send(transmit.port, of: domain) }
  }

  private func put(_ slot: Slot) {
    var bytes = (0..<transmit.layout.slotByteCount).map { _ in
      UInt8.random(in: 0...255, using: &generator)
    }
    switch slot {
    case .request(let request): NetSlot.put(request, into: &bytes)
    case .extra(let extra): NetSlot.put(extra, into: &bytes)
    case .junk: break
    }
    // SAFETY: the raw bytes of initialised integers.
    transmit.pages.copyIn(
      unsafe bytes.span.bytes,
      to: transmit.layout.slotOffset(of: RingIndex(rawValue: transmit.produced)))
    transmit.produced &+= 1
    transmitSlotCount += 1
  }

  private func nearlyValidPacket() -> [Slot] {
    switch Int.random(in: 0..<20, using: &generator) {
    case 0: return multicastChange()
    case 1 where !isSubtle: return endlessExtras()
    case 2: return manyTinySlots()
    case 3 where !isSubtle: return [.junk]
    default: break
    }
    var packet = validPacket()
    let mutations = generator.chance(percent: 45) ? 0 : Int.random(in: 1...3, using: &generator)
    for _ in 0..<mutations {
      if isSubtle { mutateSubtly(&packet) } else { mutate(&packet) }
    }
    return packet
  }

  /// Changes something that an honest guest might have got wrong.
  private func mutateSubtly(_ packet: inout [Slot]) {
    let place = Int.random(in: packet.indices, using: &generator)
    let sizes: [UInt16] = [0, 1, 13, 14, 15, 42]
    let size = sizes.randomElement(using: &generator) ?? 0
    let reference = aReference().rawValue
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: edit(&packet, 0) { $0.size = size }
    case 1: edit(&packet, 0) { $0.size /= 2 }
    case 2: edit(&packet, place) { $0.reference = reference }
    case 3: edit(&packet, place) { $0.identifier = 0xffff }
    case 4: edit(&packet, 0) { $0.flags |= NetFlags.blank | 0xfff0 }
    default:
      guard case .request(let first) = packet[0], first.flags & NetFlags.extraInfo == 0 else {
        return
      }
      edit(&packet, 0) { $0.flags |= NetFlags.extraInfo }
      var extra = nearlyValidExtra()
      extra.type = [1, 1, 1, 4, 5].randomElement(using: &generator) ?? 1
      extra.flags = 0
      packet.insert(.extra(extra), at: 1)
    }
  }

  /// A packet as an honest guest sends one, with the frame in its pages.
  private func validPacket() -> [Slot] {
    let kinds = FrameBuilder.Kind.allCases
    let kind = kinds.randomElement(using: &generator) ?? .tcp4
    let isLarge = generator.chance(percent: 40)
    let count = isLarge ? Int.random(in: 2...18, using: &generator) : 1
    var sizes = (0..<count).map { _ in
      Int.random(in: 1...(isLarge ? 3500 : 1400), using: &generator)
    }
    sizes[0] = max(sizes[0], 60)
    let total = sizes.reduce(0, +)
    let frame = frames.build(kind, byteCount: total)
    var slots: [Slot] = []
    var position = 0
    for (index, size) in sizes.enumerated() {
      var request = reference_tx_request()
      let offset = Int.random(in: 0...(4096 - size), using: &generator)
      let page = Int.random(in: pages.indices, using: &generator)
      let end = min(position + size, frame.packet.bytes.count)
      machine.write(Array(frame.packet.bytes[position..<end]), to: pages[page].frame, at: offset)
      position = end
      let named = generator.chance(percent: 95) ? pages[page].grant : nil
      request.reference = (named ?? aReference()).rawValue
      request.offset = UInt16(offset)
      request.identifier = UInt16.random(in: 0..<300, using: &generator)
      request.size = UInt16(index == 0 ? total : size)
      request.flags = index + 1 < count ? NetFlags.moreData : 0
      slots.append(.request(request))
    }
    if kind == .tcp4 || kind == .tcp6, generator.chance(percent: 60) {
      edit(&slots, 0) { $0.flags |= NetFlags.blank | NetFlags.validated | NetFlags.extraInfo }
      let segmentation = NetPacket.Segmentation(
        isVersion6: kind == .tcp6, byteCount: .random(in: 536...1460, using: &generator))
      slots.insert(.extra(NetSlot.extra(segmentation)), at: 1)
    } else if generator.chance(percent: 40) {
      // On frames without a transport protocol too.
      edit(&slots, 0) { $0.flags |= NetFlags.blank }
    }
    return slots
  }

  private func mutate(_ packet: inout [Slot]) {
    let place = Int.random(in: packet.indices, using: &generator)
    let anyWord = UInt16(truncatingIfNeeded: generator.interestingWord())
    let edges: [UInt16] = [0, 1, 13, 14, 15, 42, 4095, 4096, 4097, 65534, 65535]
    let edge = edges.randomElement(using: &generator) ?? 0
    switch Int.random(in: 0..<12, using: &generator) {
    case 0: edit(&packet, 0) { $0.size = edge }
    case 1: edit(&packet, place) { $0.size = edge }
    case 2: edit(&packet, place) { $0.offset = edge }
    case 3: edit(&packet, place) { $0.flags = anyWord }
    case 4: edit(&packet, place) { $0.flags ^= NetFlags.moreData }
    case 5: edit(&packet, 0) { $0.flags ^= NetFlags.extraInfo }
    case 6:
      let reference = aReference()
      edit(&packet, place) { $0.reference = reference.rawValue }
    case 7: packet.remove(at: place)
    case 8: packet.insert(packet[place], at: place)
    case 9:
      edit(&packet, 0) { $0.flags |= NetFlags.extraInfo }
      packet.insert(.extra(nearlyValidExtra()), at: min(1, packet.count))
    case 10:
      // Bytes that do not add up: the first slot names less than the others hold.
      edit(&packet, 0) { $0.size /= 2 }
    default:
      packet[place] = .junk
    }
    if packet.isEmpty { packet = [.junk] }
  }

  private func edit(
    _ packet: inout [Slot], _ place: Int, _ change: (inout reference_tx_request) -> Void
  ) {
    guard place < packet.count, case .request(var request) = packet[place] else { return }
    change(&request)
    packet[place] = .request(request)
  }

  private func nearlyValidExtra() -> reference_extra {
    var extra = reference_extra()
    let types: [UInt8] = [0, 1, 1, 1, 2, 3, 4, 5, 6, 255]
    extra.type = types.randomElement(using: &generator) ?? 1
    extra.flags = generator.chance(percent: 20) ? .random(in: 0...255, using: &generator) : 0
    let sizes: [UInt16] = [0, 1, 2, 7, 8, 536, 1460, 65535]
    extra.gso_size = sizes.randomElement(using: &generator) ?? 0
    extra.gso_type = .random(in: 0...3, using: &generator)
    extra.gso_features = UInt16(truncatingIfNeeded: generator.interestingWord())
    extra.hash_type = .random(in: 0...5, using: &generator)
    extra.hash_algorithm = .random(in: 0...2, using: &generator)
    extra.headroom = UInt16(truncatingIfNeeded: generator.interestingWord())
    return extra
  }

  /// Requests for the list of multicast groups, some with data behind, thousands of addresses.
  private func multicastChange() -> [Slot] {
    var request = reference_tx_request()
    request.flags = NetFlags.extraInfo
    request.identifier = UInt16.random(in: 0..<300, using: &generator)
    if !isSubtle, generator.chance(percent: 30) {
      request.reference = aReference().rawValue
      request.size = 200
      if generator.chance(percent: 50) { request.flags |= NetFlags.moreData }
    }
    let address = (0..<6).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let isAdded = generator.chance(percent: 80)
    var extra = NetSlot.multicastExtra(address, isAdded: isAdded)
    var slots: [Slot] = [.request(request)]
    if !isSubtle, generator.chance(percent: 20) {
      extra.flags = NetFlags.extraMore
      slots += [.extra(extra), .extra(nearlyValidExtra())]
    } else {
      slots.append(.extra(extra))
    }
    if request.flags & NetFlags.moreData != 0 {
      request.flags = 0
      slots.append(.request(request))
    }
    return slots
  }

  /// A packet whose extras go on and on, perhaps to the end of the ring.
  private func endlessExtras() -> [Slot] {
    var request = reference_tx_request()
    request.flags = NetFlags.extraInfo
    request.size = 100
    request.reference = aReference().rawValue
    let counts = [2, 5, 20, 300]
    let count = counts.randomElement(using: &generator) ?? 2
    return [.request(request)]
      + (0..<count).map { index in
        var extra = nearlyValidExtra()
        if index % 3 == 0 { extra.type = 1 }
        extra.flags = index + 1 < count ? NetFlags.extraMore : 0
        return .extra(extra)
      }
  }

  /// A packet of many slots with a byte or none each, around the number that a backend must take.
  private func manyTinySlots() -> [Slot] {
    let counts = isSubtle ? [17, 18, 19] : [17, 18, 19, 20, 21, 22, 64, 255, 256, 300]
    let count = counts.randomElement(using: &generator) ?? 18
    let sizes = (0..<count).map { index in
      index == 0 ? 60 : generator.chance(percent: 20) ? 0 : 1
    }
    let total = sizes.reduce(0, +)
    let hasEnd = isSubtle || generator.chance(percent: 90)
    return sizes.enumerated().map { index, size in
      var request = reference_tx_request()
      request.reference = aReference().rawValue
      request.offset = UInt16.random(in: 0...100, using: &generator)
      request.identifier = UInt16.random(in: 0..<300, using: &generator)
      request.size = UInt16(index == 0 ? total : size)
      request.flags = index + 1 < count || !hasEnd ? NetFlags.moreData : 0
      return .request(request)
    }
  }
}
