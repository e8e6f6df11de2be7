import RingTransport
import SystemPackage

/// The control ring of a vif: the guest's requests about hashes.
///
/// One thread uses an instance, that of the control path. Every request is answered before the next
/// is taken.
struct ControlQueue: ~Copyable {
  /// Our end of the guest's event channel.
  let port: EventChannelPort
  private var ring: BackRing
  private var memory: PrivateMemory
  private var batch = GrantCopyBatch(capacity: 1)
  private let frontendDomain: DomainIdentifier
  private let queueCount: Int

  /// Requests of a turn: a ring full. A guest that keeps it full must not keep the control path
  /// from anything else.
  static let requestCountMax = NetLimits.controlRingSlotCount

  /// Maps the ring and binds its event channel.
  init<Xen: Hypervisor & ~Copyable>(
    _ parameters: NetRingParameters.Control, frontendDomain: DomainIdentifier, queueCount: Int,
    hypervisor: inout Xen
  ) throws(NetConnectionError) {
    let pages: SharedPages
    do throws(Errno) {
      pages = try hypervisor.map([parameters.ring], of: frontendDomain)
    } catch {
      throw .map(error)
    }
    let ring: BackRing
    do throws(RingViolation) {
      ring = try BackRing(attachingTo: pages, slotByteCount: NetLimits.controlSlotByteCount)
    } catch {
      throw .violation(.ring(error))
    }
    let memory: PrivateMemory
    do throws(Errno) {
      memory = try PrivateMemory(byteCount: xenPageByteCount)
    } catch {
      throw .memory(error)
    }
    let port: EventChannelPort
    do throws(Errno) {
      port = try hypervisor.bind(parameters.port, of: frontendDomain)
    } catch {
      throw .bind(error)
    }
    self.ring = ring
    self.memory = memory
    self.port = port
    self.frontendDomain = frontendDomain
    self.queueCount = queueCount
  }

  /// Answers what is in the ring.
  ///
  /// - Returns: whether there is more to do at once.
  mutating func turn<Xen: Hypervisor & ~Copyable>(
    hypervisor: inout Xen, policy: VifPolicy
  ) throws(NetViolation) -> Bool {
    do throws(RingViolation) {
      for _ in 0..<Self.requestCountMax {
        guard let request = try takeRequest() else { break }
        ring.stage(answer(request, &hypervisor, policy))
        ring.pushStaged()
      }
      if ring.takeNotifyDecision() { hypervisor.notify(port) }
      return try ring.armRequestEvent()
    } catch {
      throw .ring(error)
    }
  }

  private mutating func takeRequest() throws(RingViolation) -> NetControlRequest? {
    var slot = InlineArray<16, UInt8>(repeating: 0)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    guard try ring.takeRequest(into: &bytes) else { return nil }
    return NetControlRequest(slot: bytes.bytes)
  }

  private mutating func answer<Xen: Hypervisor & ~Copyable>(
    _ request: NetControlRequest, _ hypervisor: inout Xen, _ policy: VifPolicy
  ) -> NetControlResponse {
    switch policy.withHash({ $0.handle(request) }) {
    case .respond(let response): return response
    case .copy(let reference, let byteCount):
      batch.removeAll()
      batch.appendCopy(
        from: reference, of: frontendDomain, pageOffset: 0, byteCount: byteCount, to: memory,
        at: 0)
      do throws(Errno) {
        try hypervisor.copy(&batch)
      } catch {
        // The operation did not run, and says so.
      }
      let isCopied = batch.succeeded(0)
      let bytes = memory.bytes.extracting(0..<byteCount)
      let count = queueCount
      return policy.withHash {
        isCopied
          ? $0.finish(request, copied: bytes, queueCount: count)
          : $0.finish(request, copied: nil, queueCount: count)
      }
    }
  }
}
