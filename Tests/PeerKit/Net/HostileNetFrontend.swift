import CRingReference
package import RingTransport
package import SimulatedXen
package import SystemPackage

/// A guest that tries whatever it can write into the memory of a network queue: a seeded program of
/// lies on its transmit, receive and control rings.
///
/// Most of what it sends is nearly valid, so that it gets deep. It keeps to the rings' indices
/// until ``lieAboutIndices()``, so that a program has time to do its other harm first.
package final class HostileNetFrontend {
  /// One of its rings, as raw memory.
  final class Ring {
    let pages: SharedPages
    let layout: RingLayout
    let reference: GrantReference
    let port: EventChannelPort
    /// Where the next request goes.
    var produced: UInt32

    init(
      _ pages: consuming SharedPages, slotByteCount: Int, reference: GrantReference,
      port: EventChannelPort, produced: UInt32
    ) {
      layout = RingLayout(pageCount: 1, slotByteCount: slotByteCount)
      self.pages = pages
      self.reference = reference
      self.port = port
      self.produced = produced
    }

    /// Responses that the backend says it has made.
    var answered: UInt32 { pages.loadAcquiring(at: RingLayout.responseProducerOffset) }
    /// Slots that a request fits into, as an honest guest counts them.
    var room: UInt32 {
      let used = produced &- answered
      return used < layout.slotCount ? layout.slotCount - used : 0
    }
  }

  package let machine: SimulatedMachine
  /// The guest.
  package let domain: DomainIdentifier
  /// Whom it grants its pages to, most of the time.
  package let backendDomain: DomainIdentifier
  /// Whether it keeps to what costs single packets and not the device, so that it lives long.
  package let isSubtle: Bool
  /// Slots shown to the backend on the transmit ring.
  package var transmitSlotCount = 0
  /// Slots shown to the backend on the receive ring.
  package var bufferCount = 0
  let transmit: Ring
  let receive: Ring
  let control: Ring
  var generator: SeededGenerator
  var frames: FrameBuilder
  /// Pages and the grant each has at the moment, if any.
  var pages: [(frame: MachineFrame, grant: GrantReference?)] = []
  /// References that once named something.
  var staleGrants: [GrantReference] = []
  /// A page that the backend was never given, with what it holds.
  private let secret: (frame: MachineFrame, bytes: [UInt8])
  /// A page that it may only read, with what it holds.
  private let readOnly: (frame: MachineFrame, grant: GrantReference, bytes: [UInt8])

  /// Makes rings as an honest guest does.
  package init(
    machine: SimulatedMachine, domain: DomainIdentifier, backendDomain: DomainIdentifier,
    hasSplitChannels: Bool, isSubtle: Bool, seed: UInt64
  ) throws(Errno) {
    self.machine = machine
    self.isSubtle = isSubtle
    self.domain = domain
    self.backendDomain = backendDomain
    generator = SeededGenerator(seed: seed)
    frames = FrameBuilder(seed: seed)
    let start: UInt32 = generator.chance(percent: 30) ? .max - 3 : 0
    func makeRing(slotByteCount: Int, port: EventChannelPort) throws(Errno) -> Ring {
      let frame = machine.allocateFrame(for: domain)
      let pages = try machine.view(of: [frame])
      for offset in [0, 8] { pages.storeReleasing(start, at: offset) }
      for offset in [4, 12] { pages.storeReleasing(start &+ 1, at: offset) }
      return Ring(
        pages, slotByteCount: slotByteCount,
        reference: machine.grant(frame, of: domain, to: backendDomain), port: port,
        produced: start)
    }
    let port = machine.allocateUnbound(in: domain, for: backendDomain)
    transmit = try makeRing(slotByteCount: reference_tx_slot_bytes(), port: port)
    receive = try makeRing(
      slotByteCount: reference_rx_slot_bytes(),
      port: hasSplitChannels ? machine.allocateUnbound(in: domain, for: backendDomain) : port)
    control = try makeRing(
      slotByteCount: reference_control_slot_bytes(),
      port: machine.allocateUnbound(in: domain, for: backendDomain))
    let pattern = (0..<4096).map { UInt8(truncatingIfNeeded: $0 * 7) }
    secret = (machine.allocateFrame(for: domain), pattern)
    machine.write(pattern, to: secret.frame)
    let frame = machine.allocateFrame(for: domain)
    machine.write(pattern, to: frame)
    readOnly = (
      frame, machine.grant(frame, of: domain, to: backendDomain, isReadOnly: true), pattern
    )
    for _ in 0..<24 {
      pages.append((machine.allocateFrame(for: domain), nil))
      regrant(pages.count - 1)
    }
  }

  /// The transmit ring's page.
  package var transmitReference: GrantReference { transmit.reference }
  /// The receive ring's page.
  package var receiveReference: GrantReference { receive.reference }
  /// The control ring's page.
  package var controlReference: GrantReference { control.reference }
  /// The guest's end of the event channel for transmission.
  package var transmitPort: EventChannelPort { transmit.port }
  /// The guest's end of the event channel for reception.
  package var receivePort: EventChannelPort { receive.port }
  /// The guest's end of the control ring's event channel.
  package var controlPort: EventChannelPort { control.port }

  /// Whether pages that the backend may not write are as they were.
  package var keptItsSecret: Bool {
    machine.read(secret.frame) == secret.bytes && machine.read(readOnly.frame) == readOnly.bytes
  }

  /// Slots of the transmit ring that were shown and have no response.
  package var unansweredTransmitCount: Int {
    Int(Int32(bitPattern: transmit.produced &- transmit.answered))
  }

  /// Does one thing. Never touches a producer index but to show slots it has room for.
  package func act() {
    switch Int.random(in: 0..<100, using: &generator) {
    case 0..<40: sendPackets(Int.random(in: 1...6, using: &generator))
    case 40..<60: offerBuffers(Int.random(in: 1...40, using: &generator))
    case 60..<66: sendControlRequests(Int.random(in: 1...4, using: &generator))
    case 66..<74: regrant(.random(in: pages.indices, using: &generator))
    case 74..<80 where !isSubtle: scribbleOverSlots()
    case 80..<84 where !isSubtle: scribbleOverHeader()
    case 74..<90: rewritePages()
    default:
      for _ in 0..<Int.random(in: 1...5, using: &generator) { sendEvent() }
    }
  }

  /// What another processor of the guest does while the backend is at work.
  package func meddle() {
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: rewritePages()
    case 1, 2: regrant(.random(in: pages.indices, using: &generator))
    default: if !isSubtle { scribbleOverSlots() }
    }
  }

  /// Puts the producer index of one ring where it cannot be, and wakes the backend. Not by a hair:
  /// the backend may answer a ringful before it looks.
  package func lieAboutIndices(on kind: LyingRing = .transmit) {
    let ring: Ring =
      switch kind {
      case .transmit: transmit
      case .receive: receive
      case .control: control
      }
    let slotCount = ring.layout.slotCount
    let lie: UInt32 =
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: ring.answered &+ 2 * slotCount &+ 1
      case 1: ring.answered &- 1
      case 2: ring.answered &+ .random(in: (2 * slotCount + 1)...(.max), using: &generator)
      default: ring.answered &+ UInt32(Int32.max)
      }
    ring.pages.storeReleasing(lie, at: RingLayout.requestProducerOffset)
    machine.send(ring.port, of: domain)
  }

  /// Ends all grants but the rings'.
  package func revokeAll() {
    for index in pages.indices { revoke(index) }
  }

  /// Wakes the backend on all ports, which it may have forgotten to do.
  package func wakeBackend() {
    for port in [transmit.port, receive.port, control.port] { machine.send(port, of: domain) }
  }

  private func sendEvent() {
    let ports = [transmit.port, receive.port, control.port]
    machine.send(ports[Int.random(in: 0..<3, using: &generator)], of: domain)
  }

  /// Gives a page another grant: right, read-only, somebody else's or none.
  func regrant(_ index: Int) {
    revoke(index)
    guard pages[index].grant == nil else { return }
    let frame = pages[index].frame
    switch Int.random(in: 0..<12, using: &generator) {
    case 0: break
    case 1:
      let other = DomainIdentifier(rawValue: backendDomain.rawValue &+ 77)
      pages[index].grant = machine.grant(frame, of: domain, to: other)
    case 2:
      pages[index].grant = machine.grant(
        frame, of: domain, to: backendDomain, isReadOnly: true)
    default: pages[index].grant = machine.grant(frame, of: domain, to: backendDomain)
    }
  }

  private func revoke(_ index: Int) {
    guard let grant = pages[index].grant, machine.revoke(grant, of: domain) else { return }
    if staleGrants.count < 64 { staleGrants.append(grant) }
    pages[index].grant = nil
  }

  /// A reference, most often a good one.
  func aReference() -> GrantReference {
    switch Int.random(in: 0..<100, using: &generator) {
    // What is written there ends the ring.
    case 0 where !isSubtle: return transmit.reference
    case 1 where !isSubtle: return receive.reference
    case 2: return readOnly.grant
    case 3: return GrantReference(rawValue: isSubtle ? 0 : generator.interestingWord())
    case 4, 5: return staleGrants.randomElement(using: &generator) ?? readOnly.grant
    default:
      let page = pages[Int.random(in: pages.indices, using: &generator)]
      return page.grant ?? GrantReference(rawValue: 3)
    }
  }

  /// Fills some pages with other frames.
  private func rewritePages() {
    for _ in 0..<3 {
      let kinds = FrameBuilder.Kind.allCases
      let kind = kinds.randomElement(using: &generator) ?? .arp
      let frame = frames.build(kind, byteCount: .random(in: 14...4000, using: &generator))
      let page = pages[Int.random(in: pages.indices, using: &generator)].frame
      machine.write(Array(frame.packet.bytes.prefix(4096)), to: page)
    }
  }

  private func scribbleOverSlots() {
    for _ in 0..<4 {
      let ring = aRing()
      let slot = RingIndex(
        rawValue: ring.produced &- .random(in: 0...24, using: &generator))
      let offset =
        ring.layout.slotOffset(of: slot)
        + .random(in: 0..<(ring.layout.slotByteCount / 4), using: &generator) * 4
      ring.pages.storeReleasing(generator.interestingWord(), at: offset)
    }
  }

  /// Lies about when it wants events, and writes where nobody should look.
  private func scribbleOverHeader() {
    let offset = [4, 12, 12, 12, 16, 20, 32, 60].randomElement(using: &generator) ?? 12
    aRing().pages.storeReleasing(generator.interestingWord(), at: offset)
  }

  private func aRing() -> Ring {
    switch Int.random(in: 0..<7, using: &generator) {
    case 0..<3: transmit
    case 3..<6: receive
    default: control
    }
  }
}

/// A ring whose producer index is to be where it cannot be.
package enum LyingRing: CaseIterable, Sendable {
  case transmit
  case receive
  case control
}
