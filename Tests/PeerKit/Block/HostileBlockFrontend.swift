import CRingReference
package import RingTransport
package import SimulatedXen
package import SystemPackage

/// A guest that tries whatever it can write into memory: a seeded program of lies.
///
/// Most of what it sends is nearly valid, so that it gets deep. It keeps to the ring's indices
/// until ``lieAboutIndices()``, so that a program has time to do its other harm first.
package final class HostileBlockFrontend {
  package let machine: SimulatedMachine
  package let domain: DomainIdentifier
  package let backendDomain: DomainIdentifier
  package let abi: WireABI
  /// The ring's pages, granted.
  package private(set) var ringReferences: [GrantReference] = []
  /// The guest's end of the event channel.
  package let port: EventChannelPort
  /// Requests shown to the backend.
  package private(set) var requestCount = 0
  /// The disk's size as the guest was told.
  let capacitySectors: UInt64
  let ring: SharedPages
  let layout: RingLayout
  var produced: UInt32
  var generator: SeededGenerator
  /// Pages and the grant each has at the moment, if any.
  var pages: [(frame: MachineFrame, grant: GrantReference?)] = []
  /// References that once named something.
  var staleGrants: [GrantReference] = []
  var identifiers: [UInt64] = [0, .max]
  /// Pages that the backend was never given, with what they hold.
  private let secret: (frame: MachineFrame, bytes: [UInt8])

  /// Makes a ring as an honest guest does.
  package init(
    machine: SimulatedMachine, domain: DomainIdentifier, backendDomain: DomainIdentifier,
    abi: WireABI, ringOrder: Int, capacitySectors: UInt64, seed: UInt64
  ) throws(Errno) {
    self.machine = machine
    self.domain = domain
    self.backendDomain = backendDomain
    self.abi = abi
    self.capacitySectors = capacitySectors
    generator = SeededGenerator(seed: seed)
    produced = generator.chance(percent: 30) ? .max - 3 : 0
    let frames = (0..<(1 << ringOrder)).map { _ in machine.allocateFrame(for: domain) }
    ring = try machine.view(of: frames)
    layout = RingLayout(pageCount: frames.count, slotByteCount: abi.slotByteCount)
    ringReferences = frames.map { machine.grant($0, of: domain, to: backendDomain) }
    port = machine.allocateUnbound(in: domain, for: backendDomain)
    secret = (
      machine.allocateFrame(for: domain), (0..<4096).map { UInt8(truncatingIfNeeded: $0 * 7) }
    )
    machine.write(secret.bytes, to: secret.frame)
    for offset in [0, 8] { ring.storeReleasing(produced, at: offset) }
    for offset in [4, 12] { ring.storeReleasing(produced &+ 1, at: offset) }
    for _ in 0..<20 {
      pages.append((machine.allocateFrame(for: domain), nil))
      regrant(pages.count - 1)
    }
  }

  /// Slots of the ring.
  package var slotCount: UInt32 { layout.slotCount }

  /// Whether a page that was never granted is as it was.
  package var keptItsSecret: Bool { machine.read(secret.frame) == secret.bytes }

  /// Does one thing. Never touches the producer index but to show real requests.
  package func act() {
    switch Int.random(in: 0..<100, using: &generator) {
    case 0..<55: sendRequests(Int.random(in: 1...8, using: &generator))
    case 55..<65: rewriteSegmentPages()
    case 65..<75: regrant(.random(in: pages.indices, using: &generator))
    case 75..<80: scribbleOverSlots()
    case 80..<84: scribbleOverHeader()
    case 84..<90: ring.storeReleasing(generator.interestingWord(), at: 12)
    default:
      for _ in 0..<Int.random(in: 1...5, using: &generator) {
        machine.send(port, of: domain)
      }
    }
  }

  /// What another processor of the guest does while the backend is at work.
  package func meddle() {
    switch Int.random(in: 0..<3, using: &generator) {
    case 0: rewriteSegmentPages()
    case 1: regrant(.random(in: pages.indices, using: &generator))
    default: scribbleOverSlots()
    }
  }

  /// Puts the producer index where it cannot be, and wakes the backend. Not by a hair: the backend
  /// may answer a ringful before it looks.
  package func lieAboutIndices() {
    let honest = ring.loadAcquiring(at: 8)
    let lie: UInt32
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: lie = honest &+ 2 * layout.slotCount &+ 1
    case 1: lie = honest &- 1
    case 2: lie = honest &+ .random(in: (2 * layout.slotCount + 1)...(.max), using: &generator)
    default: lie = honest &+ UInt32(Int32.max)
    }
    ring.storeReleasing(lie, at: 0)
    machine.send(port, of: domain)
  }

  /// Ends all grants but the ring's.
  package func revokeAll() {
    for index in pages.indices { revoke(index) }
  }

  private func sendRequests(_ count: Int) {
    for _ in 0..<count {
      let answered = ring.loadAcquiring(at: 8)
      guard produced &- answered < layout.slotCount else { break }
      let junk = (0..<abi.slotByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let slot =
        generator.chance(percent: 5) ? junk : abi.encode(nearlyValidRequest(), over: junk)
      // SAFETY: the raw bytes of initialised integers.
      ring.copyIn(unsafe slot.span.bytes, to: layout.slotOffset(of: RingIndex(rawValue: produced)))
      produced &+= 1
      requestCount += 1
    }
    ring.storeReleasing(produced, at: 0)
    // Sometimes it forgets to say so.
    if generator.chance(percent: 90) { machine.send(port, of: domain) }
  }

  /// Gives a page another grant: right, read-only, somebody else's or none.
  func regrant(_ index: Int) {
    revoke(index)
    guard pages[index].grant == nil else { return }
    let frame = pages[index].frame
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: break
    case 1:
      let other = DomainIdentifier(rawValue: backendDomain.rawValue &+ 77)
      pages[index].grant = machine.grant(frame, of: domain, to: other)
    case 2, 3:
      pages[index].grant = machine.grant(
        frame, of: domain, to: backendDomain, isReadOnly: true)
    default: pages[index].grant = machine.grant(frame, of: domain, to: backendDomain)
    }
  }

  private func revoke(_ index: Int) {
    guard let grant = pages[index].grant, machine.revoke(grant, of: domain) else { return }
    staleGrants.append(grant)
    pages[index].grant = nil
  }

  /// Fills some pages with segments, most of them right.
  private func rewriteSegmentPages() {
    for _ in 0..<3 {
      let frame = pages[Int.random(in: pages.indices, using: &generator)].frame
      let segments = (0..<Int.random(in: 1...512, using: &generator)).map { _ in
        nearlyValidSegment(mutationPercent: 1)
      }
      machine.write(WireABI.indirectPage(segments), to: frame)
    }
  }

  private func scribbleOverSlots() {
    for _ in 0..<4 {
      let slot = RingIndex(rawValue: produced &- .random(in: 0...8, using: &generator))
      let offset =
        layout.slotOffset(of: slot)
        + .random(in: 0..<(layout.slotByteCount / 4), using: &generator) * 4
      ring.storeReleasing(generator.interestingWord(), at: offset)
    }
  }

  /// Writes a record into the ring's private bytes as a backend would leave it that dies, or nearly
  /// so (``RingJournal``).
  package func forgeJournal() {
    let producer = ring.loadAcquiring(at: RingLayout.responseProducerOffset)
    let distance = UInt32.random(in: 0...40, using: &generator)
    let phase = UInt32.random(in: 0...3, using: &generator)
    ring.storeReleasing(
      producer &+ (generator.chance(percent: 10) ? 1 : 0), at: RingJournal.stateOffset)
    ring.storeReleasing(0xb1 << 24 | phase << 16 | distance, at: RingJournal.stateOffset + 4)
  }

  private func scribbleOverHeader() {
    let offset = [4, 16, 20, 32, 60].randomElement(using: &generator) ?? 4
    ring.storeReleasing(generator.interestingWord(), at: offset)
  }
}
