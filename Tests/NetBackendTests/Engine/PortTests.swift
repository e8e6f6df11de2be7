import CLinux
import CNetReference
import CPcap
import Glibc
import RingTransport
import SystemPackage
import Testing

@testable import NetBackend

/// The ports on the real kernel, at a link of their own.
struct PortTests {
  private static let own = EthernetAddress(truncating: 0x0016_3e01_0203)

  @Test func packetSocket() throws {
    try LinkFixture.run { link in
      var port = try Self.packetPort(LinkFixture.name)
      try Self.expectBothWays(&port, link)
    }
  }

  @Test func capture() throws {
    try LinkFixture.run { link in
      var port = try CapturePort(interface: LinkFixture.name, ownAddress: Self.own)
      try Self.expectBothWays(&port, link)
      // Nothing here can cut a packet.
      let memory = try PrivateMemory(byteCount: 4096)
      var header = VirtualNetworkHeader()
      header.segmentation = .tcpOverIPv4
      header.segmentByteCount = 100
      let isSent = port.send(
        Self.filled(memory, header, Self.datagram(checksum: 0)), at: 0, byteCount: 10 + 60)
      #expect(!isSent)
    }
  }

  /// A TAP device that init made; the other side is a packet socket on the same link.
  @Test func tap() throws {
    try LinkFixture.run { link in
      var port = DescriptorPort(
        adopting: try DescriptorPort.openTap(LinkFixture.name), ownAddress: nil)
      try port.setOffloads([.scatterGather, .checksumOverIPv4], of: LinkFixture.name)
      var other = try Self.packetPort(LinkFixture.name)
      let memory = try PrivateMemory(byteCount: 4096)
      let frame = Self.datagram(checksum: 0x1234)
      // From the guest: what the TAP device is given, the link receives.
      var sent = frame
      sent.replaceSubrange(0..<6, with: LinkFixture.guestBytes)
      let isSent = port.send(
        Self.filled(memory, VirtualNetworkHeader(), sent), at: 0, byteCount: 70)
      #expect(isSent)
      let received = Self.receive(&other)
      #expect(received == sent)
    }
  }

  /// Frames that are sent together leave in their order, and each has its own outcome.
  @Test func severalAtOnce() throws {
    try LinkFixture.run { link in
      var port = DescriptorPort(
        adopting: try DescriptorPort.openTap(LinkFixture.name), ownAddress: nil)
      var other = try Self.packetPort(LinkFixture.name)
      var memory = try PrivateMemory(byteCount: 3 * 4096)
      var sent: [[UInt8]] = []
      for index in 0..<3 {
        var frame = Self.datagram(checksum: UInt16(index))
        frame.replaceSubrange(0..<6, with: LinkFixture.guestBytes)
        sent.append(frame)
        var room = memory.mutableBytes(index * 4096..<index * 4096 + 70)
        for (place, byte) in ([UInt8](repeating: 0, count: 10) + frame).enumerated() {
          room.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
        }
      }
      // The second is too short to be a frame at all.
      var frames = (0..<3).map {
        OutgoingFrame(offset: $0 * 4096, byteCount: $0 == 1 ? 4 : 70, packet: $0)
      }
      for _ in 0..<2 {
        port.send(&frames, in: memory)
        #expect(frames.map(\.wasTaken) == [true, false, true])
        for index in [0, 2] { #expect(Self.receive(&other) == sent[index]) }
      }
    }
  }

  /// Of a device of its own, for frames come to any of several queues.
  @Test func framesWaitInAHeldQueue() throws {
    try LinkFixture.run { _ in
      let queue = try Self.heldQueue("tap1")
      var link = try Self.packetPort("tap1")
      let frame = Self.datagram(checksum: 0x1234)
      let memory = Self.filled(
        try PrivateMemory(byteCount: 4096), VirtualNetworkHeader(), frame)
      // One backend is gone, and the next not there yet.
      do { _ = DescriptorPort(sharing: queue) }
      var isSent = link.send(memory, at: 0, byteCount: 70)
      #expect(isSent)
      var next = DescriptorPort(sharing: queue)
      var received = Self.receive(&next)
      #expect(received == frame)

      // A guest that connects anew gets nothing of it.
      isSent = link.send(memory, at: 0, byteCount: 70)
      #expect(isSent)
      next.discardWaiting()
      received = Self.receive(&next)
      #expect(received == nil)
    }
  }

  /// Frames that wait are read in the call that copies, one for each place that is free.
  @Test(arguments: [false, true]) func severalFramesInOneCall(hasCommands: Bool) throws {
    try LinkFixture.run { _ in
      let queue = try Self.heldQueue("tap2")
      var link = try Self.packetPort("tap2")
      var port = DescriptorPort(sharing: queue)
      let readsAhead = (port.readsAhead, link.readsAhead)
      #expect(readsAhead == (true, false))
      // The kernel says of itself what comes first.
      port.discardWaiting()
      let memory = Self.filled(
        try PrivateMemory(byteCount: 4 * 4096), VirtualNetworkHeader(),
        Self.datagram(checksum: 0x1234))
      for _ in 0..<2 {
        let isSent = link.send(memory, at: 0, byteCount: 70)
        #expect(isSent)
      }

      // A command that the kernel does not know, as of a kernel without our patch.
      var copier = CountingCopier(grantDescriptor: hasCommands ? queue.descriptor : nil)
      var copies = GrantCopyBatch(capacity: 1)
      copies.appendCopy(
        from: memory, at: 0, byteCount: 10, to: GrantReference(rawValue: 8), of: .guest,
        pageOffset: 0)
      var found = 0
      for round in 1...3 {
        var frames = (1...3).map { IncomingFrame(offset: $0 * 4096, roomByteCount: 4096) }
        // Another queue's frame has been put there.
        frames[0].byteCount = 70
        port.receive(&frames, into: memory, copying: &copies, hypervisor: &copier)
        #expect(copier.copyCount == round)
        #expect(frames[0].byteCount == 70)
        for frame in frames.dropFirst() where frame.byteCount == 70 {
          let bytes = (10..<70).map { memory.bytes.load(UInt8.self, at: frame.offset + $0) }
          if bytes == Self.datagram(checksum: 0x1234) { found += 1 }
        }
      }
      #expect(found == 2)
    }
  }

  /// A hypervisor of which nothing is asked but copies.
  private struct CountingCopier: Hypervisor {
    let grantDescriptor: Int32?
    var copyCount = 0

    mutating func copy(_ batch: inout GrantCopyBatch) throws(Errno) { copyCount += 1 }
    func map(
      _ references: [GrantReference], of domain: DomainIdentifier
    ) throws(Errno) -> SharedPages { throw .notSupported }
    func bind(
      _ remotePort: EventChannelPort, of domain: DomainIdentifier
    ) throws(Errno) -> EventChannelPort { throw .notSupported }
    func unbind(_ port: EventChannelPort) {}
    func notify(_ port: EventChannelPort) {}
  }

  @Test func missingInterfaces() throws {
    try LinkFixture.run { _ in
      #expect(throws: NetPortError.missing("vif9.0")) { _ = try DescriptorPort.openTap("vif9.0") }
      #expect(throws: NetPortError.missing("eth9")) {
        _ = try DescriptorPort.openPacketSocket("eth9")
      }
      #expect(throws: NetPortError.missing("eth9")) {
        _ = try CapturePort(interface: "eth9", ownAddress: Self.own)
      }
    }
  }

  // MARK: Helpers

  /// The queue of a new TAP device that is up.
  private static func heldQueue(_ name: String) throws -> HeldQueue {
    // SAFETY: the calls read the name to its end.
    let number = try systemCall { unsafe c_open_tap(name) }
    let queue = HeldQueue(OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number)))
    let isUp = unsafe net_reference_bring_up(name) == 0
    #expect(isUp)
    return queue
  }

  private static func packetPort(_ name: String) throws -> DescriptorPort {
    DescriptorPort(adopting: try DescriptorPort.openPacketSocket(name), ownAddress: own)
  }

  private static func expectBothWays<Port: NetPort & ~Copyable>(
    _ port: inout Port, _ link: borrowing LinkFixture
  ) throws {
    // To the guest: its own frames and those for groups, but nobody else's.
    var frame = datagram(checksum: 0x1234)
    frame.replaceSubrange(6..<12, with: [2, 0, 0, 0, 0, 9])
    for destination in [
      [2, 0, 0, 0, 0, 1], LinkFixture.guestBytes, [255, 255, 255, 255, 255, 255],
    ]
      as [[UInt8]]
    {
      frame.replaceSubrange(0..<6, with: destination)
      try link.put(frame)
      guard destination[0] != 2 else { continue }
      let received = receive(&port)
      #expect(received == frame)
    }
    let more = receive(&port)
    #expect(more == nil)

    // From the guest, with a checksum that is finished on the way.
    var header = VirtualNetworkHeader()
    header.flags = .needsChecksum
    header.checksumStart = 34
    header.checksumOffset = 6
    let memory = try PrivateMemory(byteCount: 4096)
    // The sum of the pseudo header: 10.0.0.1 and 10.0.0.2, UDP, 26 bytes.
    let sent = datagram(checksum: 0x142e)
    let isSent = port.send(filled(memory, header, sent), at: 0, byteCount: 10 + sent.count)
    #expect(isSent)
    let taken = link.take()
    let arrived = try #require(taken)
    #expect(arrived.count == sent.count && Array(arrived[0..<40]) == Array(sent[0..<40]))
    #expect(checksum(of: arrived) == 0xffff)
  }

  /// The next frame for the guest, of those that a test sent.
  private static func receive<Port: NetPort & ~Copyable>(_ port: inout Port) -> [UInt8]? {
    guard let memory = try? PrivateMemory(byteCount: 70_000) else { return nil }
    for _ in 0..<200 {
      guard let count = port.receive(into: memory, at: 0, byteCount: memory.byteCount) else {
        usleep(1000)
        continue
      }
      let frame = (10..<count).map { memory.bytes.load(UInt8.self, at: $0) }
      if frame.count == 60, frame[12] == 8, frame[13] == 0 { return frame }
    }
    return nil
  }

  private static func filled(
    _ memory: consuming PrivateMemory, _ header: VirtualNetworkHeader, _ frame: [UInt8]
  ) -> PrivateMemory {
    var memory = memory
    var bytes = memory.mutableBytes
    header.encode(into: &bytes)
    for (index, byte) in frame.enumerated() { bytes.store(byte, at: 10 + index) }
    return memory
  }

  /// A UDP datagram over IPv4 from 10.0.0.1 to 10.0.0.2, 60 bytes in all.
  private static func datagram(checksum: UInt16) -> [UInt8] {
    var frame: [UInt8] = [2, 0, 0, 0, 0, 1] + LinkFixture.guestBytes + [8, 0]
    frame += [0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0x26, 0xbd, 10, 0, 0, 1, 10, 0, 0, 2]
    frame += [0x30, 0x39, 0x30, 0x3a, 0, 26, UInt8(checksum >> 8), UInt8(checksum & 255)]
    return frame + (0..<18).map { UInt8($0 * 7) }
  }

  /// The sum over pseudo header and datagram, 0xffff when the checksum in it is right.
  private static func checksum(of frame: [UInt8]) -> UInt32 {
    var sum: UInt32 = 17 + 26
    for index in stride(from: 26, to: 60, by: 2) {
      sum += UInt32(frame[index]) << 8 | UInt32(frame[index + 1])
    }
    while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
    return sum
  }
}
