import CRingReference
package import RingTransport
package import SimulatedXen
package import SystemPackage

/// One queue of an honest guest's network device, and a strict one: a transmit and a receive ring
/// and their event channels.
///
/// It fails on whatever makes Linux's netfront or Windows' xenvif give up a device: responses that
/// nobody waits for, an identifier answered twice, receive responses in other slots than their
/// requests, half a packet, a page still in use. And on what the protocol does not allow though no
/// guest looks: bytes written outside of a response, or outside of received data.
package final class NetFrontendQueue {
  /// A slot of the transmit ring in use.
  struct TransmitSlot {
    /// The slot's number, nil for an extra, whose slot has none.
    var identifier: UInt16?
    var frame: MachineFrame?
    var reference: GrantReference?
  }

  /// Something that was put into the transmit ring.
  struct Transmission {
    var purpose: TransmitPurpose
    var serial: UInt64
    var slots: [TransmitSlot]
  }

  /// A buffer for received data.
  struct Posted {
    var identifier: UInt16
    var frame: MachineFrame
    var reference: GrantReference
    /// What the page was filled with.
    var filling: UInt8
  }

  /// The most slots with data that a backend must take in one packet (`XEN_NETIF_NR_SLOTS_MIN`).
  package static let largestSlotCount = 18
  /// What `NETTXF` sizes can name (`XEN_NETIF_MAX_TX_SIZE`).
  package static let largestPacketByteCount = 65535

  package let machine: SimulatedMachine
  /// The guest.
  package let domain: DomainIdentifier
  /// Whom it grants its pages to.
  package let backendDomain: DomainIdentifier
  /// The transmit ring's page.
  package let transmitReference: GrantReference
  /// The receive ring's page.
  package let receiveReference: GrantReference
  /// The guest's end of the event channel for transmission.
  package let transmitPort: EventChannelPort
  /// The guest's end of the event channel for reception; the same one unless they are split.
  package let receivePort: EventChannelPort
  /// What the guest said it can take.
  package var features: GuestFeatures
  /// How many receive buffers the guest posts at most.
  package var bufferCountMax = 256
  /// Whether a backend has died in the middle of its work. Buffers may hold what it wrote into them
  /// then, and the number of a buffer whose slot it made an extra of is lost: neither Linux nor
  /// FreeBSD looks at that.
  var hasSeenCrash = false
  var transmitRing: FrontRing
  var receiveRing: FrontRing
  var generator: SeededGenerator
  /// The rings' slots as they must be.
  var transmitSlots: [[UInt8]]
  var receiveSlots: [[UInt8]]
  /// What was sent and has no response, oldest first.
  var transmissions: [Transmission] = []
  var usedIdentifiers: Set<UInt16> = []
  /// By place in the ring.
  var posted: [Posted?]
  var postedCount = 0
  var spareFrames: [MachineFrame] = []
  var nextSerial: UInt64 = 0

  /// Allocates rings and event channels, as a guest does before it goes to state 3.
  ///
  /// - Parameter start: where the counters of both rings begin.
  package init(
    machine: SimulatedMachine, domain: DomainIdentifier, backendDomain: DomainIdentifier,
    features: GuestFeatures = GuestFeatures(), hasSplitChannels: Bool = true,
    startingAt start: UInt32 = 0, seed: UInt64
  ) throws(Errno) {
    self.machine = machine
    self.domain = domain
    self.backendDomain = backendDomain
    self.features = features
    generator = SeededGenerator(seed: seed)
    let transmitFrame = machine.allocateFrame(for: domain)
    let receiveFrame = machine.allocateFrame(for: domain)
    let index = RingIndex(rawValue: start)
    transmitRing = FrontRing(
      initializing: try machine.view(of: [transmitFrame]),
      slotByteCount: reference_tx_slot_bytes(), at: index)
    receiveRing = FrontRing(
      initializing: try machine.view(of: [receiveFrame]),
      slotByteCount: reference_rx_slot_bytes(), at: index)
    transmitSlots = Array(
      repeating: Array(repeating: 0, count: reference_tx_slot_bytes()),
      count: Int(transmitRing.layout.slotCount))
    receiveSlots = Array(
      repeating: Array(repeating: 0, count: reference_rx_slot_bytes()),
      count: Int(receiveRing.layout.slotCount))
    posted = Array(repeating: nil, count: Int(receiveRing.layout.slotCount))
    transmitReference = machine.grant(transmitFrame, of: domain, to: backendDomain)
    receiveReference = machine.grant(receiveFrame, of: domain, to: backendDomain)
    transmitPort = machine.allocateUnbound(in: domain, for: backendDomain)
    receivePort =
      hasSplitChannels
      ? machine.allocateUnbound(in: domain, for: backendDomain) : transmitPort
  }

  /// Whether the two rings have an event channel each.
  package var hasSplitChannels: Bool { transmitPort != receivePort }

  /// Whether the guest would run now: it sleeps until an event comes.
  package var isAwake: Bool {
    machine.hasEvent(transmitPort, of: domain) || machine.hasEvent(receivePort, of: domain)
  }

  /// Looks at both rings: every slot that holds no response yet, and all of the headers that is not
  /// the backend's, must be as this end left it.
  ///
  /// Call it when all responses were taken.
  package func auditRings() throws(PeerFailure) {
    try Self.audit("transmit", transmitRing, transmitSlots)
    try Self.audit("receive", receiveRing, receiveSlots)
  }

  private static func audit(
    _ name: String, _ ring: borrowing FrontRing, _ slots: [[UInt8]]
  ) throws(PeerFailure) {
    let header = ring.pages.bytes(from: 0, count: RingLayout.slotsOffset)
    guard header[16...].allSatisfy({ $0 == 0 }) else {
      throw PeerFailure("private bytes of the \(name) ring's header were written")
    }
    let responses = ring.unconsumedCount
    for place in 0..<ring.layout.slotCount {
      let index = RingIndex(rawValue: place)
      let distance = (place &- ring.responseConsumer.rawValue) & (ring.layout.slotCount - 1)
      if distance < responses { continue }
      let slot = ring.pages.bytes(
        from: ring.layout.slotOffset(of: index), count: ring.layout.slotByteCount)
      guard slot == slots[Int(place)] else {
        throw PeerFailure("slot \(place) of the \(name) ring was written, and is no response")
      }
    }
  }

  /// Gives everything back as a guest does that closes the device.
  ///
  /// - Throws: when the backend still has a page in use.
  package func close() throws(PeerFailure) {
    for transmission in transmissions {
      for slot in transmission.slots { try revoke(slot.reference) }
    }
    for buffer in posted { try revoke(buffer?.reference) }
    try revoke(transmitReference)
    try revoke(receiveReference)
    machine.close(transmitPort, of: domain)
    if hasSplitChannels { machine.close(receivePort, of: domain) }
  }

  func revoke(_ reference: GrantReference?) throws(PeerFailure) {
    guard let reference else { return }
    guard machine.revoke(reference, of: domain) else {
      throw PeerFailure("grant still in use by backend domain")
    }
  }

  func takeFrame() -> MachineFrame {
    spareFrames.popLast() ?? machine.allocateFrame(for: domain)
  }
}

/// What a guest put into the transmit ring for.
package enum TransmitPurpose: Hashable, Sendable {
  /// To send a packet.
  case packet(NetPacket)
  /// To change the list of multicast groups.
  case multicast(address: [UInt8], isAdded: Bool)
}

/// How a transmission ended.
package struct TransmitCompletion: Hashable, Sendable {
  /// The number that ``NetFrontendQueue/send(_:sizes:)`` gave it.
  package let serial: UInt64
  /// What it was for.
  package let purpose: TransmitPurpose
  /// `NETIF_RSP_*` of each slot with data: 0, -1 or -2.
  package let statuses: [Int16]

  /// Whether all of it went well.
  package var isOkay: Bool { statuses.allSatisfy { $0 == 0 } }
}
