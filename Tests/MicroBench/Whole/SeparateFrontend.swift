import CLinux
import CRingReference
import Glibc
import PeerKit
import RingTransport
import SimulatedXen
import SystemPackage

/// What a guest and its backend share: pages of the simulated machine, which every process that is
/// forked from this one sees, and event channels that are descriptors.
final class SharedDisk {
  let machine: SimulatedMachine
  let ringFrame: MachineFrame
  let ringReference: GrantReference
  /// A page for each request.
  let dataReferences: [GrantReference]
  let port: EventChannelPort
  /// Wakes the frontend.
  let wake: WakeUp
  /// The frontend's ring is there; the backend is connected.
  let isReady: WakeUp
  let isConnected: WakeUp
  /// The event channel device: ports that are pending come out of the backend's end, and ports to
  /// be unmasked go in.
  let backendEvents: OwnedFileDescriptor
  let frontendEvents: OwnedFileDescriptor

  init(depth: Int) throws {
    machine = try SimulatedMachine(frameCount: 256)
    machine.createDomain(.benchDriver)
    machine.createDomain(.benchGuest)
    ringFrame = machine.allocateFrame(for: .benchGuest)
    ringReference = machine.grant(ringFrame, of: .benchGuest, to: .benchDriver)
    let machine = machine
    dataReferences = (0..<depth).map { _ in
      machine.grant(
        machine.allocateFrame(for: .benchGuest), of: .benchGuest, to: .benchDriver)
    }
    port = machine.allocateUnbound(in: .benchGuest, for: .benchDriver)
    (wake, isReady, isConnected) = (try WakeUp(), try WakeUp(), try WakeUp())
    var ends: [Int32] = [-1, -1]
    // SAFETY: two numbers of ours, which the call fills in.
    try systemCall { unsafe c_make_message_sockets(&ends) }
    backendEvents = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: ends[0]))
    frontendEvents = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: ends[1]))
  }
}

extension DomainIdentifier {
  static let benchDriver = DomainIdentifier(rawValue: 1)
  static let benchGuest = DomainIdentifier(rawValue: 2)
}

/// A guest's end of a disk in a process of its own: keeps as many requests in the ring as the
/// workload says, and sleeps and wakes its backend as `xen/io/ring.h` lets it.
struct SeparateFrontend: ~Copyable {
  private var ring: FrontRing
  private let load: Workload
  private let wake: WakeUp
  private let events: Int32
  /// A slot for each request, of which only the place changes.
  private var slots: [[UInt8]]
  private var places = RandomPlaces(seed: MonotonicClock.nanoseconds())
  private var outstandingCount = 0

  init(_ disk: SharedDisk, _ load: Workload) throws {
    let abi = WireABI.x86Bits64
    ring = FrontRing(
      initializing: try disk.machine.view(of: [disk.ringFrame]), slotByteCount: abi.slotByteCount)
    self.load = load
    wake = disk.wake
    events = disk.frontendEvents.rawValue
    slots = disk.dataReferences.enumerated().map { index, reference in
      var request = reference_request()
      request.operation = load.isWrite ? 1 : 0
      request.second = 1
      request.identifier = UInt64(index)
      // SAFETY: a request has room for eleven segments.
      unsafe reference_set_segment(
        &request, 0, reference_segment(reference: reference.rawValue, first: 0, last: 7))
      return abi.encode(request, over: [UInt8](repeating: 0, count: abi.slotByteCount))
    }
  }

  /// Works until the time is over and the ring empty.
  ///
  /// - Returns: requests and nanoseconds that count, and all requests.
  mutating func run(nanoseconds: UInt64) throws -> [UInt64] {
    var tally = Tally(nanoseconds: nanoseconds)
    for index in 0..<load.depth { submit(index) }
    push()
    while outstandingCount > 0 {
      while let response = ring.takeResponse() {
        try finish(WireABI.x86Bits64.decodeResponse(response))
        tally.count += 1
        if !tally.isOver { submit(Int(response[0])) }
      }
      push()
      tally.look()
      if outstandingCount > 0, !ring.armResponseEvent() {
        wake.wait()
        wake.clear()
      }
    }
    return tally.words
  }

  private mutating func submit(_ index: Int) {
    let sector = places.next() / 512
    for byte in 0..<8 { slots[index][16 + byte] = UInt8(truncatingIfNeeded: sector >> (8 * byte)) }
    let slot = slots[index]
    // SAFETY: the raw bytes of initialised integers.
    ring.putRequest(unsafe slot.span.bytes)
    outstandingCount += 1
  }

  private mutating func finish(_ response: reference_response) throws {
    guard response.status == 0, response.identifier < load.depth else {
      throw PeerFailure("response \(response.identifier) has status \(response.status)")
    }
    outstandingCount -= 1
  }

  private mutating func push() {
    guard ring.pushRequests() else { return }
    var port: UInt32 = 0
    // SAFETY: the calls write four bytes of ours, and read them.
    unsafe _ = recv(events, &port, 4, Int32(MSG_DONTWAIT))
    // What was unmasked, if anything was; the number of the only port is nobody's concern.
    port = 1
    unsafe _ = send(events, &port, 4, Int32(MSG_NOSIGNAL))
  }
}
