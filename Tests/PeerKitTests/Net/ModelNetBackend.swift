import CRingReference
import PeerKit
import RingTransport
import SimulatedXen

/// The simplest backend of a network queue that there can be, and each way in which a backend can
/// be wrong: what tells whether the frontends judge rightly.
///
/// It shares no code with the backends of `Sources`, not even the ring.
final class ModelNetBackend {
  /// What it does wrong, from now on and whenever it can.
  enum Fault: CaseIterable {
    case transmitAnswerTwice, transmitUnknownIdentifier, transmitWrongOrder
    case transmitNullForData, transmitOkayForExtra, transmitOddStatus, transmitHalfPacket
    case transmitOverrun, transmitBehindResponse
    case receiveWrongIdentifier, receiveSwapped, receiveHalfPacket, receiveEmptySlot
    case receiveTooLong, receiveOddStatus, receiveUnknownFlag, receiveLateFlag
    case receiveUnknownExtra, receiveExtraTwice, receiveZeroSegments, receiveSegmentsUnchecked
    case receiveExtraPadding, receiveExtraMissing, receiveScribble, receiveScribbleInExtra
    case receiveOverrun, receiveTooManySlots, receiveShortFrame, receiveBlankAlone
    case receiveUnwantedSlots, receiveUnwantedSegments, receiveUnwantedChecksum
    case receiveKeepsPage, headerScribble, slotScribble
  }

  let machine: SimulatedMachine
  let transmit: ModelRing
  let receive: ModelRing
  var fault: Fault?
  /// What the guest sent.
  private(set) var sent: [NetPacket] = []
  /// What the guest did to its list of multicast groups.
  private(set) var groups: Set<[UInt8]> = []
  /// What waits for receive buffers.
  var pending: [NetPacket] = []
  /// Leaves this many bytes free in front of received data, and says so.
  var headroomByteCount = 0
  var hypervisor: SimulatedHypervisor
  let guest: DomainIdentifier
  /// Pages of the guest that it never lets go.
  var kept: [ModelRing] = []
  var memory: PrivateMemory
  var batch = GrantCopyBatch(capacity: 1)

  init(_ queue: NetFrontendQueue) throws {
    machine = queue.machine
    guest = queue.domain
    hypervisor = SimulatedHypervisor(queue.machine, domain: queue.backendDomain)
    let transmitPort = try hypervisor.bind(queue.transmitPort, of: guest)
    transmit = ModelRing(
      try hypervisor.map([queue.transmitReference], of: guest), slotByteCount: 12,
      port: transmitPort)
    receive = ModelRing(
      try hypervisor.map([queue.receiveReference], of: guest), slotByteCount: 8,
      port: queue.hasSplitChannels
        ? try hypervisor.bind(queue.receivePort, of: guest) : transmitPort)
    memory = try PrivateMemory(byteCount: xenPageByteCount)
  }

  /// Whether it would run now.
  var isAwake: Bool {
    machine.hasEvent(transmit.port, of: hypervisor.domain)
      || machine.hasEvent(receive.port, of: hypervisor.domain)
  }

  /// Does all that can be done.
  func turn() throws {
    _ = machine.takeEvent(transmit.port, of: hypervisor.domain)
    _ = machine.takeEvent(receive.port, of: hypervisor.domain)
    repeat {
      while transmit.waitingCount > 0 { try takePacket() }
      notify(transmit)
    } while transmit.armRequestEvent()
    repeat {
      while let packet = pending.first, try deliver(packet) { pending.removeFirst() }
      notify(receive)
    } while receive.armRequestEvent(ahead: UInt32(receive.waitingCount + 1))
    if fault == .headerScribble { transmit.write([1], at: 20) }
    // A slot that the guest has not used yet.
    if fault == .slotScribble { transmit.write([1], at: 64 + 255 * 12) }
  }

  private func notify(_ ring: ModelRing) {
    if ring.takeNotifyDecision() { hypervisor.notify(ring.port) }
  }

  // MARK: What the guest sends

  private func takePacket() throws {
    var slots: [ModelRing.Slot] = [transmit.take()]
    let first = NetSlot.transmitRequest(slots[0].bytes)
    var packet = NetPacket([])
    if first.flags & 1 != 0 {
      packet.checksum = .blank
    } else if first.flags & 2 != 0 {
      packet.checksum = .validated
    }
    var extraPlaces: Set<UInt32> = []
    var isMulticast = false
    var isMore = first.flags & 8 != 0
    while isMore {
      slots.append(transmit.take())
      extraPlaces.insert(slots[slots.count - 1].index)
      let extra = NetSlot.extra(slots[slots.count - 1].bytes)
      switch extra.type {
      case 1:
        packet.segmentation = .init(isVersion6: extra.gso_type == 2, byteCount: extra.gso_size)
      case 2, 3:
        isMulticast = true
        var extra = extra
        let address = unsafe [UInt8](unsafeUninitializedCapacity: 6) { buffer, count in
          // SAFETY: six bytes of room.
          unsafe reference_get_address(&extra, buffer.baseAddress)
          count = 6
        }
        if extra.type == 2 { groups.insert(address) } else { groups.remove(address) }
      default:
        packet.hash = .init(
          type: extra.hash_type, algorithm: extra.hash_algorithm, value: extra.hash_value)
      }
      isMore = extra.flags & 1 != 0
    }
    var data = [first]
    while data[data.count - 1].flags & 4 != 0 {
      slots.append(transmit.take())
      data.append(NetSlot.transmitRequest(slots[slots.count - 1].bytes))
    }
    if !isMulticast {
      let others = data.dropFirst().reduce(0) { $0 + Int($1.size) }
      for (index, request) in data.enumerated() {
        packet.bytes += try read(
          request, count: index == 0 ? Int(first.size) - others : Int(request.size))
      }
      sent.append(packet)
    }
    try answer(slots, extraPlaces)
  }

  private func read(_ request: reference_tx_request, count: Int) throws -> [UInt8] {
    batch.removeAll()
    batch.appendCopy(
      from: GrantReference(rawValue: request.reference), of: guest,
      pageOffset: Int(request.offset), byteCount: count, to: memory, at: 0)
    try hypervisor.copy(&batch)
    guard batch.succeeded(0) else { throw PeerFailure("the model cannot read a sent page") }
    // SAFETY: the range was checked, and the memory stays for the call.
    return unsafe Array(
      UnsafeRawBufferPointer(start: memory.address(of: 0, byteCount: count), count: count))
  }

  private func answer(_ slots: [ModelRing.Slot], _ extraPlaces: Set<UInt32>) throws {
    var responses: [reference_tx_response] = slots.map { slot in
      let isExtra = extraPlaces.contains(slot.index)
      return reference_tx_response(
        identifier: isExtra ? 0xffff : NetSlot.transmitRequest(slot.bytes).identifier,
        status: isExtra ? 1 : 0)
    }
    let data = slots.indices.filter { !extraPlaces.contains(slots[$0].index) }
    switch fault {
    case .transmitAnswerTwice where data.count > 1: responses[data[1]] = responses[data[0]]
    case .transmitUnknownIdentifier: responses[0].identifier = 999
    case .transmitWrongOrder where data.count > 1: responses.swapAt(data[0], data[1])
    case .transmitNullForData: responses[data[data.count - 1]].status = 1
    case .transmitOkayForExtra where !extraPlaces.isEmpty: responses[1].status = 0
    case .transmitOddStatus: responses[0].status = -3
    case .transmitHalfPacket where slots.count > 1: responses.removeLast()
    default: break
    }
    for (slot, response) in zip(slots, responses) {
      var bytes = slot.bytes
      NetSlot.put(response, into: &bytes)
      if fault == .transmitBehindResponse { bytes[6] ^= 1 }
      transmit.put(bytes)
    }
    if fault == .transmitOverrun { transmit.produced &+= 300 }
    transmit.publish()
  }
}
