import RingTransport
import SystemPackage

/// The guest's way out: takes packets from a transmit ring, and hands them to a port.
///
/// A turn takes as many packets as fit into its memory, copies them out of the guest in one batch,
/// judges and sends them, and answers every slot in ring order. All of that happens within the
/// turn: nothing is in flight between turns, so whoever takes over a ring finds exactly the packets
/// that were not answered.
///
/// A packet lies in one piece in private memory, its headers in front, whatever slots it came in
/// (XSA-423, XSA-432). Nothing here waits or allocates. One thread uses an instance.
struct TransmitQueue: ~Copyable {
  /// Packets of a turn: enough that a batch is worth its call.
  static let packetCountMax = 64
  /// Memory of a turn: three of the largest packets, or a turn of small ones.
  static let memoryByteCount = 256 * 1024
  /// What the largest packet takes of it, with the virtio header, in whole steps.
  static let packetByteCountMax = NetLimits.packetByteCount + 1 + PacketMemory.headroomByteCount

  /// A packet between its slots and its answer.
  struct Packet {
    /// What it is.
    enum Kind {
      case frame
      /// Nothing to send: a change of the multicast list, or a packet that was refused.
      case answer(NetResponseStatus)
    }

    var kind: Kind
    /// Where the frame begins in memory.
    var offset = 0
    var byteCount = 0
    var flags: NetTransmitRequest.Flags = []
    var segmentation: Offload.SegmentationRequest?
    /// Its slots and its grant operations, as ranges of the turn's lists.
    var slots: Range<Int>
    var operations: Range<Int>
  }

  /// What to answer a slot with.
  struct Slot {
    /// The request's. Of an extra, which has none, its first two bytes: its type and whether it is
    /// the last, which therefore outlive the answer.
    var identifier: UInt16
    var isExtra: Bool
  }

  /// What came of a turn.
  struct Outcome {
    /// Whether there is more to do at once.
    var hasMore = false
    /// When the rate allows more.
    var notBefore: UInt64?
  }

  let frontendDomain: DomainIdentifier
  var ring: BackRing
  var memory: PrivateMemory
  var batch: GrantCopyBatch
  var packets: [Packet] = []
  var slots: [Slot] = []
  /// What is to be sent of the turn's packets.
  var outgoing: [OutgoingFrame] = []
  /// The first slot of a packet for which there was no credit.
  var held: NetTransmitRequest?
  /// Slots that waited when this process came: its predecessor may have sent their packets, written
  /// answers over the first of them, and died before it published these.
  var inheritedSlotCount = 0
  var statistics = NetStatistics()

  /// Attaches to a connected ring.
  init(
    pages: consuming SharedPages, frontendDomain: DomainIdentifier
  ) throws(NetConnectionError) {
    let ring: BackRing
    do throws(RingViolation) {
      ring = try BackRing(attachingTo: pages, slotByteCount: NetLimits.transmitSlotByteCount)
    } catch {
      throw .violation(.ring(error))
    }
    let memory: PrivateMemory
    do throws(Errno) {
      memory = try PrivateMemory(byteCount: Self.memoryByteCount)
    } catch {
      throw .memory(error)
    }
    do throws(RingViolation) {
      inheritedSlotCount = Int(try ring.waitingRequestCount())
    } catch {
      throw .violation(.ring(error))
    }
    self.ring = ring
    self.memory = memory
    self.frontendDomain = frontendDomain
    batch = GrantCopyBatch(capacity: NetLimits.ringSlotCount)
    packets.reserveCapacity(Self.packetCountMax)
    outgoing.reserveCapacity(Self.packetCountMax)
    slots.reserveCapacity(NetLimits.ringSlotCount)
  }

  /// Moves what is in the ring to the port.
  mutating func turn<Xen: Hypervisor & ~Copyable, Port: NetPort & ~Copyable>(
    hypervisor: inout Xen, port: inout Port, policy: VifPolicy, now: UInt64
  ) throws(NetViolation) -> Outcome {
    let outcome = try collect(policy, now)
    if !packets.isEmpty {
      hypervisor.copyAll(&batch)
      for index in packets.indices { prepare(index, policy) }
      send(to: &port)
      answer()
    }
    return outcome
  }

  /// Judges one packet: it is to be sent, or its answer is known.
  private mutating func prepare(_ index: Int, _ policy: VifPolicy) {
    guard case .frame = packets[index].kind else { return }
    let packet = packets[index]
    guard batch.succeeded(in: packet.operations) else {
      statistics.badGrants += 1
      packets[index].kind = .answer(.error)
      return
    }
    let range = packet.offset..<packet.offset + packet.byteCount
    guard policy.filter.admits(memory.bytes.extracting(range)) else {
      statistics.spoofed += 1
      packets[index].kind = .answer(.dropped)
      return
    }
    let header: VirtualNetworkHeader
    do throws(OffloadRefusal) {
      var frame = memory.mutableBytes(range)
      header = try Offload.outgoing(
        &frame, flags: packet.flags, segmentation: packet.segmentation)
    } catch {
      statistics.malformed += 1
      packets[index].kind = .answer(.error)
      return
    }
    let start = packet.offset - VirtualNetworkHeader.byteCount
    var room = memory.mutableBytes(start..<packet.offset)
    header.encode(into: &room)
    outgoing.append(
      OutgoingFrame(
        offset: start, byteCount: packet.byteCount + VirtualNetworkHeader.byteCount,
        packet: index))
  }

  /// Sends what is to be sent, and takes the port's word for the answers.
  private mutating func send<Port: NetPort & ~Copyable>(to port: inout Port) {
    port.send(&outgoing, in: memory)
    // By index: an iterator over an array allocates where it is not specialised.
    for index in outgoing.indices {
      let frame = outgoing[index]
      packets[frame.packet].kind = .answer(frame.wasTaken ? .okay : .dropped)
      guard frame.wasTaken else {
        statistics.refused += 1
        continue
      }
      statistics.transmittedPackets += 1
      statistics.transmittedBytes += UInt64(packets[frame.packet].byteCount)
      if packets[frame.packet].segmentation != nil { statistics.transmittedSegmented += 1 }
    }
    outgoing.removeAll(keepingCapacity: true)
  }

  /// Answers all slots of all packets in the order of the ring. The guest sees whole packets only.
  private mutating func answer() {
    for index in packets.indices {
      let packet = packets[index]
      guard case .answer(let status) = packet.kind else { continue }
      for slot in packet.slots {
        ring.stage(
          NetTransmitResponse(
            identifier: slots[slot].identifier,
            status: slots[slot].isExtra ? .null : status))
      }
    }
    ring.pushStaged()
    packets.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    batch.removeAll()
  }
}

/// How frames lie in a queue's memory.
enum PacketMemory {
  /// Room in front of a frame: the virtio header, which ends where the frame begins, and what
  /// aligns the frame.
  static let headroomByteCount = 16

  /// Where the next packet may begin.
  static func end(of offset: Int, byteCount: Int) -> Int {
    (offset + byteCount + 15) & ~15
  }
}
