import RingTransport
import SystemPackage

/// One ring and the requests taken from it: the data path of a block device.
///
/// A turn moves every request as far as it can go without waiting: answers what is finished, takes
/// what is new, copies grants in batches, hands work to the target. Nothing here blocks, allocates,
/// or believes the guest. Requests finish in any order.
///
/// The data of a request lie in pages of one private buffer, filled and emptied by grant copy: no
/// page of the guest but the ring is ever mapped. Where the target's event loop can do so, it makes
/// the copies after a read and before a write, without another call of ours. When the buffer is
/// full, requests wait in the ring.
///
/// One thread, that of the event loop, uses an instance.
struct BlockQueue: ~Copyable {
  /// Grant operations that one batch collects before it is run: two of the largest requests.
  static let batchCapacity = 2 * BlockLimits.indirectSegments

  let frontendDomain: DomainIdentifier
  let abi: BlockABI
  /// Our end of the guest's event channel.
  let port: EventChannelPort
  /// What requests are judged against. Changed when the target grows.
  var geometry: BlockGeometry
  var statistics = BlockStatistics()

  var ring: JournaledRing
  let buffer: PrivateMemory
  var pool: PagePool
  var batch: GrantCopyBatch
  /// The grant copies of requests' data, in the places of their pages.
  var copies: GrantCopyTable
  /// Whether the target takes them.
  var linksCopies = false

  /// All requests in flight, by token, which is the ring's ticket; one for each slot of the ring.
  var requests: [InFlightRequest]
  /// The token of a request that was taken from the ring and found no room in the buffer.
  var blocked: Int?
  /// The token of a barrier, from its taking to its response.
  var barrier: Int?
  /// Tokens whose next step is a grant copy, or waits for room at the target, or is the answer.
  var segmentFetches: [Int] = []
  var dataFetches: [Int] = []
  var dataReturns: [Int] = []
  var storageWaits: [Int] = []
  var finished: [Int] = []
  /// Requests whose target went away under them.
  var stranded: [Int] = []
  /// What becomes of work for the target.
  var targetMode = TargetMode.working
  /// Operations that the target has and has not ended.
  private(set) var storageCount = 0
  /// The last backend may have died between publishing a response and sending the event for it.
  private var owesNotification: Bool
  /// Whether the last turn took all there was, and would have taken more.
  private var takesRequests = false
  /// Set when the device closes or changes rings: nothing more is taken.
  private(set) var isDraining = false

  /// Attaches to a connected ring.
  ///
  /// - Parameters:
  ///   - adopts: whether another backend has served this ring and died: all that it did not answer
  ///     is served again.
  ///   - isInOrder: whether responses keep the order of their requests.
  ///   - bufferByteCount: the size of the private buffer, a multiple of the page size and large
  ///     enough for one request of the largest kind.
  init(
    pages: consuming SharedPages, abi: BlockABI, frontendDomain: DomainIdentifier,
    port: EventChannelPort, geometry: BlockGeometry, bufferByteCount: Int, adopts: Bool = false,
    isInOrder: Bool = false
  ) throws(BlockQueueError) {
    precondition(bufferByteCount % xenPageByteCount == 0)
    precondition(bufferByteCount >= Self.smallestBufferByteCount)
    let ring: JournaledRing
    do throws(RingViolation) {
      ring = try JournaledRing(
        attachingTo: pages, slotByteCount: abi.slotByteCount,
        responseByteCount: abi.responseByteCount, isInOrder: isInOrder)
    } catch {
      throw .violation(error)
    }
    let buffer: PrivateMemory
    do throws(Errno) {
      buffer = try PrivateMemory(byteCount: bufferByteCount)
    } catch {
      throw .memory(error)
    }
    let slotCount = Int(ring.layout.slotCount)
    self.ring = ring
    self.buffer = buffer
    self.frontendDomain = frontendDomain
    self.abi = abi
    self.port = port
    self.geometry = geometry
    pool = PagePool(pageCount: bufferByteCount / xenPageByteCount)
    batch = GrantCopyBatch(capacity: Self.batchCapacity)
    copies = GrantCopyTable(capacity: bufferByteCount / xenPageByteCount)
    requests = Array(repeating: InFlightRequest(), count: slotCount)
    owesNotification = adopts
    stranded.reserveCapacity(slotCount)
    segmentFetches.reserveCapacity(slotCount)
    dataFetches.reserveCapacity(slotCount)
    dataReturns.reserveCapacity(slotCount)
    storageWaits.reserveCapacity(slotCount)
    finished.reserveCapacity(slotCount)
  }

  /// Room for one request with all indirect segments, and the page that lists them.
  static let smallestBufferByteCount = (BlockLimits.indirectSegments + 1) * xenPageByteCount

  /// Whether no request is between its ring slot and its response.
  var isIdle: Bool { ring.inFlightCount == 0 }

  /// Notes that the target has one operation more.
  mutating func noteSubmitted() { storageCount += 1 }

  /// Notes that the target has ended an operation.
  mutating func noteEnded() { storageCount -= 1 }

  /// Takes nothing more from the ring; what is in flight goes on to its response.
  mutating func drain() {
    isDraining = true
  }

  /// Does all that can be done now.
  ///
  /// - Parameter listens: whether the guest is to send an event for the next request. Without it,
  ///   the owner looks at ``hasNewRequest``, and turns with it before it sleeps.
  /// - Returns: whether there is more to do at once; the event loop must come back before it
  ///   sleeps.
  /// - Throws: when the frontend broke the ring protocol. The ring is to be given up.
  mutating func turn<Xen: Hypervisor & ~Copyable, Storage: BlockStorage & ~Copyable>(
    hypervisor: inout Xen, storage: inout Storage, listens: Bool = true
  ) throws(RingViolation) -> Bool {
    linksCopies = storage.copiesGrants
    runCopies(.dataOut, hypervisor: &hypervisor)
    answerFinished()
    resubmitWaiting(storage: &storage)
    let taken = try takeRequests(storage: &storage)
    runCopies(.segments, hypervisor: &hypervisor)
    runCopies(.dataIn, hypervisor: &hypervisor)
    resubmitWaiting(storage: &storage)
    // What waits, for room or for others to be answered, looks once a turn. What ends now, after it
    // looked, may be the last that ever does.
    let freesRoom = !finished.isEmpty
    answerFinished()
    if ring.takeNotifyDecision() || owesNotification {
      owesNotification = false
      statistics.notifications += 1
      hypervisor.notify(port)
    }
    takesRequests = taken == .emptied
    switch taken {
    case .stopped: return freesRoom && (blocked != nil || !isDraining)
    case .limited: return true
    case .emptied: return listens ? try ring.armRequestEvent() : false
    }
  }

  /// Whether the guest has put something into the ring that the next turn can take. A ring that
  /// breaks the protocol is the next turn's matter.
  var hasNewRequest: Bool {
    takesRequests && (try? ring.nextRequestByte()) != nil
  }

  /// Publishes a response for every finished request and forgets it.
  private mutating func answerFinished() {
    for position in 0..<finished.count {
      let token = finished[position]
      publishResponse(
        token, identifier: requests[token].identifier,
        operation: requests[token].responseOperation, status: requests[token].status)
      if requests[token].pageCount > 0 {
        pool.free(first: requests[token].firstPage, count: requests[token].pageCount)
      }
      requests[token].phase = .free
      if barrier == token { barrier = nil }
    }
    finished.removeAll(keepingCapacity: true)
  }

  /// Publishes one response. Identifier, operation and status lie at the same offsets in all
  /// layouts; the padding is zero (XSA-216).
  mutating func publishResponse(
    _ token: Int, identifier: UInt64, operation: UInt8, status: BlockStatus
  ) {
    if status != .okay { statistics.errors += 1 }
    var response = InlineArray<16, UInt8>(repeating: 0)
    var elements = response.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var bytes = unsafe elements.mutableBytes
    bytes.store(identifier, at: 0)
    bytes.store(operation, at: 8)
    bytes.store(status.rawValue, at: 10)
    ring.complete(token, with: bytes.bytes.extracting(first: abi.responseByteCount))
  }
}

/// Why a queue could not be attached.
enum BlockQueueError: Error, CustomStringConvertible {
  /// The frontend's ring page contradicts itself.
  case violation(RingViolation)
  /// No memory for the buffer.
  case memory(Errno)

  var description: String {
    switch self {
    case .violation(let violation): violation.description
    case .memory(let errno): "no memory for the transfer buffer: \(errno)"
    }
  }
}
