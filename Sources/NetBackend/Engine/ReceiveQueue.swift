import RingTransport
import SystemPackage

/// The guest's way in: takes frames from a port, and puts them into pages that the guest offers in
/// its receive ring.
///
/// A turn takes frames as long as there are pages for them, copies them to the guest in batches,
/// and announces whole packets, in ring order. Few frames wait here for pages; all others wait in
/// the port, which is bounded and drops at its end (XSA-392). When the guest offers no pages for
/// ``stallNanoseconds``, frames are dropped here, so that nothing old and nothing big is kept for a
/// guest that does not listen.
///
/// Where the port reads ahead, system calls are shared: the one that waits also reads the frame
/// that ends the wait, and one that copies frames to the guest also reads those behind them.
///
/// Frames lie in a buffer of the status page and are noted in a ``FrameRecord`` when they have
/// come. So those that are not announced when this process dies come to the guest through the next
/// one.
///
/// Nothing here waits or allocates. One thread uses an instance.
struct ReceiveQueue: ~Copyable {
  /// Frames of a turn.
  static let packetCountMax = 64
  /// The largest frame that a port can have: more than any guest takes, which is dropped here.
  static let frameByteCountMax = NetLimits.packetByteCount + 1
  /// What a frame takes whose size is not known yet.
  static let placeByteCount = PacketMemory.end(
    of: PacketMemory.headroomByteCount, byteCount: frameByteCountMax)
  /// How many frames the call that copies reads. Few are more than that behind each other.
  static let placeCountMax = 3
  /// How long a guest may take to offer pages; as Linux's backend drains a stalled queue.
  static let stallNanoseconds: UInt64 = 10_000_000_000
  /// How often to look for pages of a guest that does not send events for them
  /// (`feature-rx-notify`); as Linux's backend.
  static let pollNanoseconds: UInt64 = 30_000_000

  /// A frame that was judged and fits the guest's features.
  struct Packet {
    /// Where it begins in memory.
    var offset: Int
    var byteCount: Int
    var announcement: Offload.Announcement
    var hash: PacketHash?
    /// Room in front of the data in each page.
    var headroomByteCount: Int

    /// What one page takes.
    var pageByteCount: Int { xenPageByteCount - headroomByteCount }
    var dataSlotCount: Int { (byteCount + pageByteCount - 1) / pageByteCount }
    var extraCount: Int {
      (announcement.segmentation == nil ? 0 : 1) + (hash == nil ? 0 : 1)
        + (headroomByteCount == 0 ? 0 : 1)
    }
    var slotCount: Int { dataSlotCount + extraCount }
  }

  /// A slot to announce.
  enum Announcement {
    /// Data, copied by the operation with this number.
    case data(NetReceiveResponse, operation: Int)
    case extra(NetExtraInfo)
  }

  /// What came of a turn.
  struct Outcome {
    /// Whether there is more to do at once.
    var hasMore = false
    /// Whether to wait for frames; otherwise for pages.
    var wantsFrames = false
    /// When to look again at the latest.
    var notBefore: UInt64?
    /// Whether to look for more in the call that copies what was taken.
    var readsAhead = false
  }

  let frontendDomain: DomainIdentifier
  /// What the guest takes, and whether it says when it offers pages.
  let features: Offload.GuestFeatures
  let sendsEvents: Bool
  /// Asked of the guest's kernel for programs that run in front of its stack; 0 without one.
  var headroomByteCount: Int
  var ring: BackRing
  var memory: PrivateMemory
  var batch: GrantCopyBatch
  var announcements: [Announcement] = []
  /// The frame that waits for pages, and since when.
  var pending: Packet?
  var waitsSince: UInt64?
  /// Where the next frame goes.
  var cursor = 0
  /// Whether the first place is being read into, while the queue's thread waits.
  var isAwaitingFrame = false
  /// Frames that are read in the call that copies others.
  var arrivals: [IncomingFrame] = []
  var packetCount = 0
  /// The frames that have not been announced.
  var record: FrameRecord<StatusPage>
  /// Whether an earlier process may have written answers that it did not live to publish.
  var mayInherit: Bool
  var statistics = NetStatistics()

  /// Attaches to a connected ring.
  ///
  /// - Parameters:
  ///   - buffer: keeps the frames for the next process.
  ///   - adopts: whether an earlier process has served the ring and died.
  init(
    pages: consuming SharedPages, guest: NetGuest, keptIn buffer: StatusBuffer, adopts: Bool
  ) throws(NetConnectionError) {
    let ring: BackRing
    do throws(RingViolation) {
      ring = try BackRing(attachingTo: pages, slotByteCount: NetLimits.receiveSlotByteCount)
    } catch {
      throw .violation(.ring(error))
    }
    record = FrameRecord(in: buffer.page, buffer: buffer.index)
    mayInherit = adopts
    self.ring = ring
    memory = PrivateMemory(buffer)
    frontendDomain = guest.domain
    features = guest.features
    sendsEvents = guest.sendsReceiveEvents
    headroomByteCount = guest.headroomByteCount
    batch = GrantCopyBatch(capacity: NetLimits.ringSlotCount)
    announcements.reserveCapacity(NetLimits.ringSlotCount)
    arrivals.reserveCapacity(Self.placeCountMax)
    if adopts { restoreFrames() } else { record.clear() }
  }

  /// Moves frames that wait at the port into the guest.
  mutating func turn<Xen: Hypervisor & ~Copyable, Port: NetPort & ~Copyable>(
    hypervisor: inout Xen, port: inout Port, policy: VifPolicy, now: UInt64
  ) throws(NetViolation) -> Outcome {
    if mayInherit {
      // All of that is noted before a new frame may take the place of one that was left.
      try publishInherited(policy)
      return Outcome(hasMore: true)
    }
    if pending == nil, !record.hasNext { cursor = firstFreeOffset }
    packetCount = 0
    while true {
      let outcome = try collect(port: &port, policy: policy, now: now)
      let hasRead = outcome.readsAhead && preparePlaces()
      if hasRead {
        port.receive(&arrivals, into: memory, copying: &batch, hypervisor: &hypervisor)
        noteArrivals()
      } else {
        hypervisor.copyAll(&batch)
      }
      announce()
      record.finish(isLastWaiting: pending != nil)
      if hasRead, !record.hasNext { return Outcome(wantsFrames: true) }
      guard outcome.readsAhead else { return outcome }
      // Where there was no room behind what was copied, there is now.
      if !record.hasNext { cursor = firstFreeOffset }
    }
  }

  /// Announces everything that was prepared. The guest sees whole packets only.
  private mutating func announce() {
    if announcements.isEmpty { return }
    // By index: an iterator over an array allocates where it is not specialised.
    for index in announcements.indices {
      switch announcements[index] {
      case .data(let response, let operation):
        let wasCopied = batch.succeeded(operation)
        if !wasCopied { statistics.badGrants += 1 }
        ring.stage(
          wasCopied
            ? response
            : NetReceiveResponse(
              identifier: response.identifier, flags: response.flags, failure: .error))
      case .extra(let extra): ring.stage(extra)
      }
    }
    ring.pushStaged()
    announcements.removeAll(keepingCapacity: true)
    batch.removeAll()
  }
}
