import CRingReference
package import RingTransport
package import SimulatedXen
package import SystemPackage

/// An honest guest's end of a disk, and a strict one: it tracks what it asked for as Linux's
/// blkfront does, and fails on an unknown or repeated identifier, on a wrong operation in a
/// response, on a page still in use when its request is answered, and on any byte that a backend
/// may not touch.
///
/// It fills all padding with junk, and sleeps whenever `xen/io/ring.h` lets it.
package final class BlockFrontend {
  /// A request that has no response yet.
  struct Outstanding {
    var request: FrontendRequest
    var wireOperation: UInt8
    var frames: [MachineFrame]
    var grants: [GrantReference]
    /// What a page to be read into was filled with.
    var filling: UInt8
    /// The slot as it was submitted.
    var slot: [UInt8] = []
  }

  package let machine: SimulatedMachine
  /// The guest.
  package let domain: DomainIdentifier
  /// Whom it grants its pages to.
  package let backendDomain: DomainIdentifier
  package let abi: WireABI
  /// The ring's pages, granted.
  package private(set) var ringReferences: [GrantReference] = []
  /// The guest's end of the event channel.
  package let port: EventChannelPort
  package private(set) var outstandingCount = 0
  var ring: FrontRing
  var outstanding: [UInt64: Outstanding] = [:]
  var generator: SeededGenerator
  /// The ring's slots as this end left them.
  var slots: [[UInt8]]
  private var ringFrames: [MachineFrame] = []
  private var spareFrames: [MachineFrame] = []

  /// Allocates ring and event channel, as a guest does before it goes to state 3.
  package init(
    machine: SimulatedMachine, domain: DomainIdentifier, backendDomain: DomainIdentifier,
    abi: WireABI, ringOrder: Int = 0, startingAt start: UInt32 = 0, seed: UInt64
  ) throws(Errno) {
    self.machine = machine
    self.domain = domain
    self.backendDomain = backendDomain
    self.abi = abi
    generator = SeededGenerator(seed: seed)
    for _ in 0..<(1 << ringOrder) { ringFrames.append(machine.allocateFrame(for: domain)) }
    // Neighbours in the ring need not be neighbours in memory.
    ringFrames.shuffle(using: &generator)
    ring = FrontRing(
      initializing: try machine.view(of: ringFrames), slotByteCount: abi.slotByteCount,
      at: RingIndex(rawValue: start))
    slots = Array(
      repeating: Array(repeating: 0, count: abi.slotByteCount), count: Int(ring.layout.slotCount))
    ringReferences = ringFrames.map { machine.grant($0, of: domain, to: backendDomain) }
    port = machine.allocateUnbound(in: domain, for: backendDomain)
  }

  /// How many more requests fit.
  package var freeCount: Int { Int(ring.freeCount) }

  /// Puts a request into the ring. ``push()`` shows it to the backend.
  ///
  /// - Returns: its number.
  @discardableResult
  package func submit(_ request: FrontendRequest) -> UInt64 {
    var identifier = generator.next()
    while outstanding[identifier] != nil { identifier = generator.next() }
    let filling = UInt8.random(in: 1...255, using: &generator)
    var entry = Outstanding(
      request: request, wireOperation: request.operation.rawValue, frames: [], grants: [],
      filling: filling)
    var wire = reference_request()
    wire.operation = request.operation.rawValue
    wire.handle = UInt16.random(in: 0 ... .max, using: &generator)
    wire.identifier = identifier
    wire.sector = request.sector
    let segments = provide(request, filling, &entry)
    if request.operation == .discard {
      wire.second = request.discardFlag
      wire.sector_count = request.discardCount
    } else if request.isIndirect {
      wire.operation = 6
      wire.second = request.operation.rawValue
      wire.indirect_segments = UInt16(segments.count)
      let page = provideFrame(WireABI.indirectPage(segments), isReadOnly: true, &entry)
      unsafe reference_set_page(&wire, 0, page.rawValue)
    } else {
      wire.second = UInt8(segments.count)
      for (index, segment) in segments.enumerated() {
        // SAFETY: a direct request has at most eleven segments.
        unsafe reference_set_segment(&wire, index, segment)
      }
    }
    entry.slot = put(wire)
    outstanding[identifier] = entry
    outstandingCount += 1
    return identifier
  }

  /// Shows the backend all that was submitted, and wakes it if it asks for that.
  package func push() {
    if ring.pushRequests() { machine.send(port, of: domain) }
  }

  /// The one dishonest thing it can do: claims more requests than there are slots.
  package func lieAboutIndices() {
    ring.pages.storeReleasing(
      ring.requestProducer.advanced(by: 3 * ring.layout.slotCount).rawValue,
      at: RingLayout.requestProducerOffset)
    machine.send(port, of: domain)
  }

  private func put(_ wire: reference_request) -> [UInt8] {
    let junk = (0..<abi.slotByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let slot = abi.encode(wire, over: junk)
    slots[ring.requestProducer.slot(in: ring.layout.slotCount)] = slot
    // SAFETY: the raw bytes of initialised integers.
    ring.putRequest(unsafe slot.span.bytes)
    return slot
  }

  /// Grants a page for every segment.
  private func provide(
    _ request: FrontendRequest, _ filling: UInt8, _ entry: inout Outstanding
  ) -> [reference_segment] {
    precondition(request.isIndirect || request.segments.count <= 11)
    var position = 0
    return request.segments.map { range in
      var page = [UInt8](repeating: filling, count: xenPageByteCount)
      let byteCount = (Int(range.upperBound) - Int(range.lowerBound) + 1) * 512
      if request.operation != .read {
        let start = Int(range.lowerBound) * 512
        page.replaceSubrange(
          start..<(start + byteCount), with: request.data[position..<(position + byteCount)])
      }
      position += byteCount
      let reference = provideFrame(page, isReadOnly: request.operation != .read, &entry)
      return reference_segment(
        reference: reference.rawValue, first: range.lowerBound, last: range.upperBound)
    }
  }

  private func provideFrame(
    _ bytes: [UInt8], isReadOnly: Bool, _ entry: inout Outstanding
  ) -> GrantReference {
    let frame = spareFrames.popLast() ?? machine.allocateFrame(for: domain)
    machine.write(bytes, to: frame)
    let reference = machine.grant(frame, of: domain, to: backendDomain, isReadOnly: isReadOnly)
    entry.frames.append(frame)
    entry.grants.append(reference)
    return reference
  }

  /// Takes a request off the list and its pages back.
  func retire(_ identifier: UInt64, _ entry: Outstanding) throws(PeerFailure) {
    outstanding[identifier] = nil
    outstandingCount -= 1
    for reference in entry.grants {
      guard machine.revoke(reference, of: domain) else {
        throw PeerFailure("page still in use when its request was answered")
      }
    }
    spareFrames += entry.frames
  }
}
