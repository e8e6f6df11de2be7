import CRingReference
import PeerKit
import RingTransport

/// A network queue's turn but for grant copy and I/O, in one direction at a time: a ``NetQueue``
/// behind a port in memory.
final class NetPath {
  static var paths: [Path] {
    [
      Path(group: .net, key: "transmit_small", title: "from the guest, 64 bytes", limit: 60) {
        try NetPath(isLarge: false).transmit($0)
      },
      Path(group: .net, key: "transmit_large", title: "from the guest, 64 KiB", limit: 400) {
        try NetPath(isLarge: true).transmit($0)
      },
      Path(group: .net, key: "receive_small", title: "to the guest, 64 bytes", limit: 60) {
        try NetPath(isLarge: false).receive($0)
      },
      Path(group: .net, key: "receive_large", title: "to the guest, 64 KiB", limit: 400) {
        try NetPath(isLarge: true).receive($0)
      },
    ]
  }

  /// Takes everything, and gives one frame again and again, as far as anybody looks at it.
  private struct InstantPort: NetPort {
    var sentCount = 0
    var waitingCount = 0
    let start: [UInt8]
    let byteCount: Int

    mutating func send(
      _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
    ) -> Bool {
      sentCount += 1
      return true
    }

    mutating func receive(
      into memory: borrowing PrivateMemory, at offset: Int, byteCount room: Int
    ) -> Int? {
      guard waitingCount > 0 else { return nil }
      waitingCount -= 1
      // SAFETY: `address` checks the range.
      unsafe start.withUnsafeBytes { bytes in
        guard let first = bytes.baseAddress else { return }
        unsafe memory.address(of: offset, byteCount: bytes.count).copyMemory(
          from: first, byteCount: bytes.count)
      }
      return byteCount
    }
  }

  private static let transmitPage = 0
  private static let receivePage = 1
  private static let dataPage = 2

  /// Packets of a turn. Of large ones a queue's memory holds three.
  private let batch: Int
  private let guest = BenchGuest(pageCount: 3)
  private let policy: VifPolicy
  private var hypervisor: BenchHypervisor
  private var port: InstantPort
  private var queue: NetQueue
  /// A packet's slots as the guest sends it, one behind the other, and as many offers of pages.
  private let transmitSlots: [UInt8]
  private let receiveSlots: [UInt8]
  private let slotCount: Int

  private init(isLarge: Bool) throws {
    batch = isLarge ? 3 : 32
    var builder = FrameBuilder(seed: 1)
    var frame = builder.build(
      isLarge ? .tcp4 : .udp4, byteCount: isLarge ? 0xffff : 64, hasTag: false)
    if isLarge {
      frame.packet.checksum = .blank
      frame.packet.segmentation = .init(isVersion6: false, byteCount: 1448)
    }
    let bytes = frame.packet.bytes
    port = InstantPort(
      start: PortHeader(frame).encoded + bytes.prefix(54),
      byteCount: VirtualNetworkHeader.byteCount + bytes.count)
    let slots = Self.transmitSlots(frame.packet)
    slotCount = slots.count
    transmitSlots = Array(slots.joined())
    receiveSlots = Array(Self.receiveSlots(slots.count).joined())
    let page = Array(bytes.prefix(xenPageByteCount))
    // SAFETY: the raw bytes of initialised integers.
    guest.write(unsafe page.span.bytes, page: Self.dataPage, at: 0)
    policy = VifPolicy(
      filter: try PacketFilter("ether src 00:16:3e:00:00:02"), rate: nil, now: 0)
    hypervisor = BenchHypervisor(guest)
    queue = try NetQueue(
      NetQueueParameters(
        transmitRing: GrantReference(rawValue: UInt32(Self.transmitPage)),
        receiveRing: GrantReference(rawValue: UInt32(Self.receivePage)),
        transmitPort: EventChannelPort(rawValue: 1), receivePort: EventChannelPort(rawValue: 2)),
      guest: NetGuest(
        domain: DomainIdentifier(rawValue: 1),
        features: [.scatterGather, .segmentationOverIPv4, .checksumOverIPv4],
        sendsReceiveEvents: true, headroomByteCount: 0),
      policy: policy, keptIn: StatusBuffer(try StatusPage(sharing: nil), 0),
      hypervisor: &hypervisor)
  }

  private func transmit(_ count: Int) throws -> Cost {
    let layout = queue.transmit.ring.layout
    var producer = RingIndex.zero
    let turns = count / batch
    let cost = try Cost.measure(turns * batch) {
      for _ in 0..<turns {
        for _ in 0..<batch { offer(transmitSlots, layout, &producer, page: Self.transmitPage) }
        guest.show(producer, page: Self.transmitPage)
        _ = try queue.turn(hypervisor: &hypervisor, port: &port, now: 0)
      }
    }
    precondition(port.sentCount == turns * batch, "every packet was sent")
    return cost
  }

  private func receive(_ count: Int) throws -> Cost {
    let layout = queue.receive.ring.layout
    var producer = RingIndex.zero
    let turns = count / batch
    let cost = try Cost.measure(turns * batch) {
      for _ in 0..<turns {
        for _ in 0..<batch { offer(receiveSlots, layout, &producer, page: Self.receivePage) }
        guest.show(producer, page: Self.receivePage)
        port.waitingCount = batch
        _ = try queue.turn(hypervisor: &hypervisor, port: &port, now: 0)
      }
    }
    precondition(queue.totals.receivedPackets == turns * batch, "every frame went to the guest")
    return cost
  }

  /// Writes one packet's slots into a ring.
  private func offer(
    _ slots: [UInt8], _ layout: RingLayout, _ producer: inout RingIndex, page: Int
  ) {
    for index in 0..<slotCount {
      let start = index * layout.slotByteCount
      // SAFETY: the raw bytes of initialised integers.
      let slot = unsafe slots.span.bytes.extracting(start..<start + layout.slotByteCount)
      guest.write(slot, page: page, at: layout.slotOffset(of: producer))
      producer = producer.advanced(by: 1)
    }
  }

  /// A packet's slots: the first, the extra where it is to be segmented, and the others.
  private static func transmitSlots(_ packet: NetPacket) -> [[UInt8]] {
    var slots: [[UInt8]] = []
    var rest = packet.bytes.count
    while rest > 0 {
      var request = reference_tx_request()
      request.reference = UInt32(dataPage)
      request.identifier = UInt16(slots.count)
      request.size = UInt16(slots.isEmpty ? rest : min(rest, xenPageByteCount))
      rest -= min(rest, xenPageByteCount)
      if slots.isEmpty, packet.checksum == .blank {
        request.flags |= UInt16(reference_tx_checksum_blank)
      }
      if slots.isEmpty, packet.segmentation != nil {
        request.flags |= UInt16(reference_tx_extra_info)
      }
      if rest > 0 { request.flags |= UInt16(reference_tx_more_data) }
      var slot = [UInt8](repeating: 0, count: NetLimits.transmitSlotByteCount)
      NetSlot.put(request, into: &slot)
      slots.append(slot)
    }
    if let segmentation = packet.segmentation {
      var slot = [UInt8](repeating: 0, count: NetLimits.transmitSlotByteCount)
      NetSlot.put(NetSlot.extra(segmentation), into: &slot)
      slots.insert(slot, at: 1)
    }
    return slots
  }

  private static func receiveSlots(_ count: Int) -> [[UInt8]] {
    (0..<count).map { index in
      var request = reference_rx_request()
      request.identifier = UInt16(index)
      request.reference = UInt32(dataPage)
      var slot = [UInt8](repeating: 0, count: NetLimits.receiveSlotByteCount)
      NetSlot.put(request, into: &slot)
      return slot
    }
  }
}
