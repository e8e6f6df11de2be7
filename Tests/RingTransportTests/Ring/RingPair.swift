import PeerKit
import RingTransport
import SimulatedXen

/// Two copies of one ring: one that our code works on, one for the macros of `xen/io/ring.h`.
final class RingPair {
  let abi: WireABI
  let reference: ReferenceRing
  var front: FrontRing
  var back: BackRing
  private let machine: SimulatedMachine
  private let frames: [MachineFrame]
  private let ours: SharedPages

  init(abi: WireABI, pageCount: Int, start: UInt32) throws {
    self.abi = abi
    reference = ReferenceRing(
      abi: abi, byteCount: pageCount * xenPageByteCount, start: start)
    let machine = try SimulatedMachine(frameCount: pageCount)
    let guest = DomainIdentifier(rawValue: 1)
    machine.createDomain(guest)
    frames = (0..<pageCount).map { _ in machine.allocateFrame(for: guest) }
    self.machine = machine
    ours = try machine.view(of: frames)
    front = FrontRing(
      initializing: try machine.view(of: frames), slotByteCount: abi.slotByteCount,
      at: RingIndex(rawValue: start))
    back = try BackRing(
      attachingTo: try machine.view(of: frames), slotByteCount: abi.slotByteCount)
  }

  /// One more view of our copy.
  func view() throws -> SharedPages { try machine.view(of: frames) }

  /// Sets a word of the header in both copies, as the peer may at any moment.
  func poke(_ value: UInt32, at offset: Int) {
    ours.storeReleasing(value, at: offset)
    reference.poke(value, at: offset)
  }

  /// A word of our copy's header.
  func word(at offset: Int) -> UInt32 { ours.loadAcquiring(at: offset) }

  /// Whether the copies are the same, byte for byte.
  var isSame: Bool { reference.holds(ours.bytes(from: 0, count: ours.byteCount)) }

  /// Puts a request into both copies.
  func putRequest(_ slot: [UInt8]) {
    reference.putRequest(slot)
    // SAFETY: the raw bytes of initialised integers.
    front.putRequest(unsafe slot.span.bytes)
  }

  /// Publishes a response in our copy, and queues it in the other.
  func publish(_ response: [UInt8]) {
    reference.putResponse(response)
    // SAFETY: the raw bytes of initialised integers.
    back.publish(unsafe response.span.bytes)
  }

  /// Takes a request from both copies.
  func takeRequest() throws(RingViolation) -> [UInt8]? {
    var slot = [UInt8](repeating: 0, count: abi.slotByteCount)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers.
    var bytes = unsafe elements.mutableBytes
    guard try back.takeRequest(into: &bytes) else { return nil }
    reference.takeRequest()
    return slot
  }
}
