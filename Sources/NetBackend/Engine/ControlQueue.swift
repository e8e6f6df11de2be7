import RingTransport
import SystemPackage

/// The control ring of a vif: the guest's requests about hashes.
///
/// One thread uses an instance, that of the control path. Every request is answered before the next
/// is taken, and every answer is kept before it is written over its request.
struct ControlQueue: ~Copyable {
  /// Our end of the guest's event channel.
  let port: EventChannelPort
  private var ring: BackRing
  private var memory: PrivateMemory
  private var batch = GrantCopyBatch(capacity: 1)
  private let frontendDomain: DomainIdentifier
  private let queueCount: Int
  private var kept: KeptValue<KeptControlAnswer?, StatusPage>
  /// What an earlier process may have written and not published.
  private var inherited: KeptControlAnswer?
  /// An earlier process may have died between publishing an answer and sending the event for it.
  private var owesNotification: Bool

  /// Requests of a turn: a ring full. A guest that keeps it full must not keep the control path
  /// from anything else.
  static let requestCountMax = NetLimits.controlRingSlotCount

  /// Maps the ring and binds its event channel.
  ///
  /// - Parameters:
  ///   - status: the page in which answers are kept; nil keeps none.
  ///   - adopts: whether an earlier process has served the ring and died.
  init<Xen: Hypervisor & ~Copyable>(
    _ parameters: NetRingParameters.Control, frontendDomain: DomainIdentifier, queueCount: Int,
    status: StatusPage? = nil, adopts: Bool = false, hypervisor: inout Xen
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
    var kept = KeptValue<KeptControlAnswer?, StatusPage>(nil, in: status)
    // An answer that was kept for another ring could fit into this one by chance.
    if !adopts || !kept.restore() { kept.save() }
    inherited = kept.value
    self.kept = kept
    owesNotification = adopts
  }

  /// Answers what is in the ring.
  ///
  /// - Returns: whether there is more to do at once.
  mutating func turn<Xen: Hypervisor & ~Copyable>(
    hypervisor: inout Xen, policy: VifPolicy
  ) throws(NetViolation) -> Bool {
    do throws(RingViolation) {
      for _ in 0..<Self.requestCountMax {
        guard let request = try ring.take({ NetControlRequest(slot: $0) }) else { break }
        let response = answer(request, &hypervisor, policy)
        kept.value = KeptControlAnswer(response, at: ring.responseProducer)
        kept.save()
        ring.stage(response)
        ring.pushStaged()
      }
      if ring.takeNotifyDecision() || owesNotification {
        owesNotification = false
        hypervisor.notify(port)
      }
      return try ring.armRequestEvent()
    } catch {
      throw .ring(error)
    }
  }

  private mutating func answer<Xen: Hypervisor & ~Copyable>(
    _ request: NetControlRequest, _ hypervisor: inout Xen, _ policy: VifPolicy
  ) -> NetControlResponse {
    // The first request only: a later one may have the same numbers.
    if let answer = inherited.take(),
      let response = answer.response(to: request, at: ring.responseProducer)
    {
      return response
    }
    switch policy.withHash({ $0.handle(request) }) {
    case .respond(let response): return response
    case .copy(let reference, let byteCount):
      batch.removeAll()
      batch.appendCopy(
        from: reference, of: frontendDomain, pageOffset: 0, byteCount: byteCount, to: memory,
        at: 0)
      hypervisor.copyAll(&batch)
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
