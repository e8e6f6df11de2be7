import CRingReference
package import RingTransport
package import SimulatedXen
package import SystemPackage

/// An honest guest's control ring: asks, and judges what it is told, as Windows' xenvif does.
package final class NetControlFrontend {
  /// A request that has no response yet.
  private struct Outstanding {
    var request: Request
    var frame: MachineFrame?
    var reference: GrantReference?
  }

  /// What a guest asks for.
  package enum Request: Hashable, Sendable {
    case hashFlags
    case setHashFlags(UInt32)
    case setHashKey([UInt8])
    case mappingSize
    case setMappingSize(UInt32)
    /// A part of the table, from an offset in entries on.
    case setMapping([UInt32], offset: UInt32)
    case setHashAlgorithm(UInt32)
    case staticGrantCount

    /// `XEN_NETIF_CTRL_TYPE_*`
    package var type: UInt16 {
      switch self {
      case .hashFlags: 1
      case .setHashFlags: 2
      case .setHashKey: 3
      case .mappingSize: 4
      case .setMappingSize: 5
      case .setMapping: 6
      case .setHashAlgorithm: 7
      case .staticGrantCount: 8
      }
    }
  }

  /// What came back.
  package struct Response: Hashable, Sendable {
    /// What was asked for.
    package let request: Request
    /// `XEN_NETIF_CTRL_STATUS_*`
    package let status: UInt32
    /// Depends on the request.
    package let data: UInt32
  }

  private let machine: SimulatedMachine
  private let domain: DomainIdentifier
  private let backendDomain: DomainIdentifier
  /// The ring's page.
  package let reference: GrantReference
  /// The guest's end of the event channel.
  package let port: EventChannelPort
  private var ring: FrontRing
  private var outstanding: [UInt16: Outstanding] = [:]
  private var slots: [[UInt8]]
  private var generator: SeededGenerator

  /// Allocates ring and event channel.
  package init(
    machine: SimulatedMachine, domain: DomainIdentifier, backendDomain: DomainIdentifier,
    startingAt start: UInt32 = 0, seed: UInt64
  ) throws(Errno) {
    self.machine = machine
    self.domain = domain
    self.backendDomain = backendDomain
    generator = SeededGenerator(seed: seed)
    let frame = machine.allocateFrame(for: domain)
    ring = FrontRing(
      initializing: try machine.view(of: [frame]),
      slotByteCount: reference_control_slot_bytes(), at: RingIndex(rawValue: start))
    slots = Array(
      repeating: Array(repeating: 0, count: reference_control_slot_bytes()),
      count: Int(ring.layout.slotCount))
    reference = machine.grant(frame, of: domain, to: backendDomain)
    port = machine.allocateUnbound(in: domain, for: backendDomain)
  }

  /// Requests without a response.
  package var outstandingCount: Int { outstanding.count }
  /// How many more requests fit.
  package var freeCount: Int { Int(ring.freeCount) }
  /// Whether the guest would run now.
  package var isAwake: Bool { machine.hasEvent(port, of: domain) }

  /// Puts a request into the ring and shows it to the backend.
  package func submit(_ request: Request) {
    var wire = reference_control_request()
    repeat {
      wire.identifier = UInt16.random(in: 0 ... .max, using: &generator)
    } while outstanding[wire.identifier] != nil
    wire.type = request.type
    var entry = Outstanding(request: request)
    switch request {
    case .hashFlags, .mappingSize, .staticGrantCount: break
    case .setHashFlags(let word), .setMappingSize(let word), .setHashAlgorithm(let word):
      wire.data.0 = word
    case .setHashKey(let key):
      provide(key, &entry)
      wire.data = (entry.reference?.rawValue ?? 0, UInt32(key.count), 0)
    case .setMapping(let table, let offset):
      provide(
        table.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } },
        &entry)
      wire.data = (entry.reference?.rawValue ?? 0, UInt32(table.count), offset)
    }
    outstanding[wire.identifier] = entry
    var slot = [UInt8](
      repeating: .random(in: 0...255, using: &generator), count: reference_control_slot_bytes())
    NetSlot.put(wire, into: &slot)
    slots[ring.requestProducer.slot(in: ring.layout.slotCount)] = slot
    // SAFETY: the raw bytes of initialised integers.
    ring.putRequest(unsafe slot.span.bytes)
    if ring.pushRequests() { machine.send(port, of: domain) }
  }

  /// Takes the event and all responses, and goes back to sleep.
  package func takeResponses() throws(PeerFailure) -> [Response] {
    _ = machine.takeEvent(port, of: domain)
    var responses: [Response] = []
    repeat {
      guard ring.unconsumedCount <= UInt32(outstanding.count) else {
        throw PeerFailure(
          "\(ring.unconsumedCount) control responses to \(outstanding.count) requests")
      }
      while ring.unconsumedCount > 0 { responses.append(try takeResponse()) }
    } while ring.armResponseEvent()
    return responses
  }

  private func takeResponse() throws(PeerFailure) -> Response {
    let place = ring.responseConsumer.slot(in: ring.layout.slotCount)
    guard let slot = ring.takeResponse() else { throw PeerFailure("no control response") }
    let behind = reference_control_response_bytes()
    guard slot[behind...] == slots[place][behind...] else {
      throw PeerFailure("bytes of the slot behind a control response were written")
    }
    slots[place] = slot
    let response = NetSlot.controlResponse(slot)
    guard let entry = outstanding.removeValue(forKey: response.identifier) else {
      throw PeerFailure("control response to \(response.identifier), which is not outstanding")
    }
    guard response.type == entry.request.type else {
      throw PeerFailure(
        "control response names type \(response.type), the request \(entry.request.type)")
    }
    guard response.status <= 3 else {
      throw PeerFailure("control response has status \(response.status)")
    }
    if let reference = entry.reference {
      guard machine.revoke(reference, of: domain) else {
        throw PeerFailure("the page of a control request is still in use")
      }
    }
    if let frame = entry.frame { machine.freeFrame(frame, of: domain) }
    return Response(request: entry.request, status: response.status, data: response.data)
  }

  /// Ends all grants.
  package func close() throws(PeerFailure) {
    let pages = outstanding.values.compactMap(\.reference) + [reference]
    for page in pages {
      guard machine.revoke(page, of: domain) else {
        throw PeerFailure("a page of the control ring is still in use")
      }
    }
    machine.close(port, of: domain)
  }

  private func provide(_ bytes: [UInt8], _ entry: inout Outstanding) {
    precondition(bytes.count <= xenPageByteCount)
    let frame = machine.allocateFrame(for: domain)
    machine.write(bytes, to: frame)
    entry.frame = frame
    entry.reference = machine.grant(frame, of: domain, to: backendDomain, isReadOnly: true)
  }
}
