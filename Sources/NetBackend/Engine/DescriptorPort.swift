internal import CLinux
internal import Glibc
import RingTransport
import SystemPackage

/// A port whose frames are read from and written to a descriptor, one a call, header in front: a
/// queue of a TAP device, or a packet socket.
struct DescriptorPort: PolledPort, ~Copyable {
  private let file: HeldQueue
  /// Where set, only frames to this address and to groups are for the guest: a packet socket hears
  /// everything.
  private let ownAddress: EthernetAddress?
  /// Made for the first call that does several things.
  private var batch: CallBatch?
  /// Whether the kernel makes grant copies as commands; known when one has failed.
  private var takesCommands = true

  /// Takes over what ``openTap(_:)`` or ``openPacketSocket(_:)`` gave, here or in another process.
  init(adopting file: consuming OwnedFileDescriptor, ownAddress: EthernetAddress?) {
    self.file = HeldQueue(file)
    self.ownAddress = ownAddress
  }

  /// Uses a queue of a TAP device that others hold, too.
  init(sharing queue: HeldQueue) {
    file = queue
    ownAddress = nil
  }

  /// A further queue of a TAP device that exists.
  static func openTap(_ name: String) throws(NetPortError) -> OwnedFileDescriptor {
    try expectInterface(name)
    do throws(Errno) {
      // SAFETY: the calls read the name to its end; so below.
      let number = try systemCall { unsafe c_open_tap(name) }
      return OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    } catch {
      throw .open(name, error)
    }
  }

  /// A packet socket on an interface.
  static func openPacketSocket(_ name: String) throws(NetPortError) -> OwnedFileDescriptor {
    try expectInterface(name)
    do throws(Errno) {
      // SAFETY: as above.
      let number = try systemCall { unsafe c_open_packet_port(name) }
      return OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    } catch {
      throw .open(name, error)
    }
  }

  /// Throws away the frames that came while there was nobody to take them.
  func discardWaiting() {
    var start = InlineArray<128, UInt8>(repeating: 0)
    for _ in 0..<Self.waitingFrameCountMax {
      var span = start.mutableSpan
      // SAFETY: the call writes into the array and no more; of a longer frame the rest is lost.
      let count = unsafe span.withUnsafeMutableBufferPointer { buffer in
        unsafe read(file.descriptor, buffer.baseAddress, buffer.count)
      }
      if count <= 0 { return }
    }
  }

  /// Far more than a queue holds.
  private static let waitingFrameCountMax = 4096

  /// Opening a TAP device that does not exist would make one.
  static func expectInterface(_ name: String) throws(NetPortError) {
    // SAFETY: the call reads the name to its end.
    if unsafe if_nametoindex(name) == 0 { throw .missing(name) }
  }

  /// Tells the TAP device what the guest takes unfinished.
  func setOffloads(_ features: Offload.GuestFeatures, of name: String) throws(NetPortError) {
    // Unfinished checksums always: what the guest does not take is finished here. Segmentation only
    // with all that it needs, for a packet to be cut cannot be finished here.
    var offloads = c_tap_offload_checksum
    if features.isSuperset(of: [.scatterGather, .segmentationOverIPv4, .checksumOverIPv4]) {
      offloads |= c_tap_offload_tcp_ipv4
    }
    if features.isSuperset(of: [.scatterGather, .segmentationOverIPv6, .checksumOverIPv6]) {
      offloads |= c_tap_offload_tcp_ipv6
    }
    do throws(Errno) {
      try systemCall { c_tap_set_offloads(file.descriptor, offloads) }
    } catch {
      throw .offloads(name, error)
    }
  }

  /// What to poll.
  var descriptor: Int32 { file.descriptor }

  mutating func send(
    _ memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Bool {
    // SAFETY: `address` checks the range; the call reads it and no more.
    unsafe write(file.descriptor, memory.address(of: offset, byteCount: byteCount), byteCount)
      == byteCount
  }

  mutating func send(_ frames: inout [OutgoingFrame], in memory: borrowing PrivateMemory) {
    // A TAP device drops a frame for which there is no room. A packet socket does not, and io_uring
    // would wait for it.
    if frames.count > 1, ownAddress == nil, sendBatch(&frames, in: memory) { return }
    for index in frames.indices {
      frames[index].wasTaken = send(
        memory, at: frames[index].offset, byteCount: frames[index].byteCount)
    }
  }

  /// - Returns: false when it failed as a whole. What was sent is sent again then, as a network may
  ///   do.
  private mutating func sendBatch(
    _ frames: inout [OutgoingFrame], in memory: borrowing PrivateMemory
  ) -> Bool {
    let descriptor = descriptor
    do throws(Errno) {
      if batch == nil { batch = try CallBatch() }
      for index in frames.indices {
        batch?.appendWrite(
          to: descriptor, from: memory, at: frames[index].offset,
          byteCount: frames[index].byteCount, token: index)
      }
      try batch?.run { index, result in
        frames[index].wasTaken = result == frames[index].byteCount
      }
    } catch {
      batch = nil
      return false
    }
    return true
  }

  mutating func receive(
    into memory: borrowing PrivateMemory, at offset: Int, byteCount: Int
  ) -> Int? {
    for _ in 0..<Self.foreignFrameCountMax {
      // SAFETY: `address` checks the range; the call writes into it and no more. The owner of the
      // memory is our caller, who reads it when this returns.
      let count = unsafe read(
        file.descriptor, memory.address(of: offset, byteCount: byteCount), byteCount)
      guard count > 0 else { return nil }
      let frameOffset = offset + VirtualNetworkHeader.byteCount
      guard let ownAddress, count >= VirtualNetworkHeader.byteCount + EthernetAddress.byteCount
      else { return count }
      let destination = EthernetAddress(in: memory.bytes, at: frameOffset)
      if destination == ownAddress || destination.isMulticast { return count }
    }
    return nil
  }

  /// Of a TAP device everything is for the guest.
  var readsAhead: Bool { ownAddress == nil }

  mutating func receive<Xen: Hypervisor & ~Copyable>(
    _ frames: inout [IncomingFrame], into memory: borrowing PrivateMemory,
    copying copies: inout GrantCopyBatch, hypervisor: inout Xen
  ) {
    let grantDescriptor =
      takesCommands && copies.count > 0 ? hypervisor.grantDescriptor : nil
    if grantDescriptor == nil { hypervisor.copyAll(&copies) }
    let (descriptor, copyToken) = (descriptor, frames.count)
    var isCopied = true
    do throws(Errno) {
      if batch == nil { batch = try CallBatch() }
      if let grantDescriptor {
        batch?.append(&copies, through: grantDescriptor, token: copyToken)
      }
      for index in frames.indices where frames[index].byteCount == nil {
        batch?.appendRead(
          from: descriptor, into: memory, at: frames[index].offset,
          byteCount: frames[index].roomByteCount, token: index)
      }
      try batch?.run { token, result in
        if token == copyToken {
          isCopied = result != -Int(EOPNOTSUPP)
        } else if result > 0 {
          frames[token].byteCount = result
        }
      }
    } catch {
      batch = nil
      isCopied = grantDescriptor == nil
    }
    if !isCopied {
      takesCommands = false
      hypervisor.copyAll(&copies)
    }
  }

  /// Frames for others that one call passes over; the descriptor stays readable for the rest.
  private static let foreignFrameCountMax = 64
}
