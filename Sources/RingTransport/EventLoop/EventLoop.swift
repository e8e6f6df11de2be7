internal import CLinux
internal import CURing
internal import CXen
internal import Glibc
public import SystemPackage

/// Everything a thread of a backend waits for, in one io_uring: I/O, the guest's events, XenStore,
/// signals. One system call a turn submits all that is new and waits.
///
/// Where the kernel takes commands to the devices of Xen, as ours does, a transfer's grant copies
/// stand in a chain with it, and events for the guest go out with the next wait.
///
/// Event channel: a chain of two requests, unmask and read, so that taking an event needs no call
/// of its own. The port stays masked from the read until the next
/// ``armEventChannel(unmasking:)``, which the owner calls when it has done the work (XSA-332: no
/// event storm).
///
/// A ring belongs to the thread that made it: the kernel cancels what a thread submitted that ends.
@safe public struct EventLoop: ~Copyable {
  /// Submission entries: more than a turn needs; a full queue is submitted and used again.
  private static let entryCount: UInt32 = 256

  private let ring: OpaquePointer
  /// One 32-bit port to unmask, then one that is read; addresses must not move while I/O runs.
  private let ports: UnsafeMutablePointer<UInt32>
  private let eventDescriptor: Int32
  /// -1 where grant copies are somebody else's.
  private let grantDescriptor: Int32
  /// Whether the kernel takes commands to the devices of Xen; known when it has refused one.
  private var takesCommands = true
  /// -1 on a thread that does not speak with XenStore; such a thread takes no signals either.
  private let xenStoreDescriptor: Int32
  private let signals: OwnedFileDescriptor?
  private var isAwaitingRoom = false
  private var timeouts = ArmedTimeouts()

  /// Sets up the ring and starts to listen. The descriptors must outlive the loop.
  ///
  /// - Parameters:
  ///   - eventDescriptor: of the event channel device (``XenHypervisor/eventDescriptor``).
  ///   - grantDescriptor: of the grant device, for copies that belong to a transfer.
  ///   - xenStoreDescriptor: of the XenStore connection; nil on any thread but the main one, which
  ///     also blocks SIGTERM and SIGINT for the process and takes them as events.
  public init(
    eventDescriptor: Int32, grantDescriptor: Int32? = nil, xenStoreDescriptor: Int32?
  ) throws(Errno) {
    var signals: OwnedFileDescriptor?
    if xenStoreDescriptor != nil {
      signals = OwnedFileDescriptor(
        adopting: FileDescriptor(rawValue: try systemCall { c_open_stop_signals() }))
    }
    var error: Int32 = 0
    // SAFETY: closed in `deinit` only.
    guard let ring = unsafe c_uring_open(Self.entryCount, &error) else {
      throw Errno(rawValue: error)
    }
    let signalDescriptor = signals?.rawValue
    self.signals = signals
    unsafe self.ring = ring
    self.eventDescriptor = eventDescriptor
    self.grantDescriptor = grantDescriptor ?? -1
    self.xenStoreDescriptor = xenStoreDescriptor ?? -1
    unsafe ports = .allocate(capacity: 2)
    // SAFETY: fresh memory of this size.
    unsafe ports.initialize(repeating: 0, count: 2)
    armEventChannel(unmasking: nil)
    if xenStoreDescriptor != nil { armXenStore() }
    if let signalDescriptor { armPoll(signalDescriptor, .signal) }
  }

  deinit {
    // SAFETY: the last use; the kernel lets go of the ring and its requests before the memory goes.
    unsafe c_uring_close(ring)
    unsafe ports.deallocate()
  }

  /// Listens for the guest's next event, after unmasking the port of the last one.
  public mutating func armEventChannel(unmasking port: EventChannelPort?) {
    // SAFETY: the two words live as long as the ring, and nobody else writes them while the chain
    // is under way.
    unsafe c_uring_reserve(ring, 2)
    if let port {
      unsafe ports[0] = port.rawValue
      unsafe c_uring_write(ring, eventDescriptor, ports, 4, 0, Tag.chain.data(), c_uring_then)
    }
    unsafe c_uring_read(ring, eventDescriptor, ports + 1, 4, 0, Tag.eventChannel.data(), 0)
  }

  /// Sends an event through a local port of ours, with the next ``wait(timeoutNanoseconds:)``.
  public mutating func notify(_ port: EventChannelPort) {
    guard takesCommands else {
      // A dying peer makes it fail, which is the peer's loss.
      _ = c_xen_notify(eventDescriptor, port.rawValue)
      return
    }
    // SAFETY: the ring is open.
    unsafe c_uring_notify(
      ring, eventDescriptor, port.rawValue, Tag.notification.data(token: Int(port.rawValue)),
      c_uring_silent)
  }

  private mutating func armXenStore() {
    armPoll(xenStoreDescriptor, .xenStore)
  }

  /// Wakes up once when there is room to write to XenStore.
  public mutating func armXenStoreWritable() {
    guard !isAwaitingRoom else { return }
    isAwaitingRoom = true
    armPoll(xenStoreDescriptor, .xenStoreWritable, POLLOUT)
  }

  /// Submits what is new and waits for the first event, or less: a wait may end early.
  ///
  /// - Parameter timeoutNanoseconds: how long to wait at most, nil for ever, 0 not at all.
  public mutating func wait(timeoutNanoseconds: UInt64?) throws(Errno) {
    let nanoseconds = armTimeout(timeoutNanoseconds)
    // SAFETY: the ring is open.
    let result = unsafe c_uring_wait(ring, nanoseconds)
    // ETIME: nothing came. EINTR, EAGAIN, EBUSY: take what is there and come back.
    let passing: [Errno] = [.init(rawValue: ETIME), .interrupted, .wouldBlock, .resourceBusy]
    guard result >= 0 || passing.contains(Errno(rawValue: -result)) else {
      throw Errno(rawValue: -result)
    }
  }

  /// - Returns: the time limit that the wait itself needs, -1 for none.
  private mutating func armTimeout(_ timeoutNanoseconds: UInt64?) -> Int64 {
    guard let timeoutNanoseconds, timeoutNanoseconds < UInt64(Int64.max) else { return -1 }
    guard timeoutNanoseconds > 0 else { return 0 }
    switch timeouts.arm(until: MonotonicClock.recentNanoseconds() + timeoutNanoseconds) {
    case .nothing: return -1
    case .limit: return Int64(timeoutNanoseconds)
    case .timeout(let number):
      // SAFETY: the ring is open.
      unsafe c_uring_timeout(ring, timeoutNanoseconds, Tag.timeout.data(token: number))
      return -1
    }
  }

  /// Whether an event may have arrived since the last wait, without asking the kernel.
  public var isReady: Bool {
    // SAFETY: the ring is open.
    unsafe c_uring_ready(ring) != 0
  }

  /// The next event that has arrived, nil when there is none.
  public mutating func nextEvent() throws(Errno) -> LoopEvent? {
    var completion = c_uring_completion()
    // SAFETY: the ring is open; the completion is copied out.
    while unsafe c_uring_next(ring, &completion) != 0 {
      if let event = try translate(completion) { return event }
    }
    return nil
  }

  private mutating func translate(
    _ completion: c_uring_completion
  ) throws(Errno) -> LoopEvent? {
    switch Tag(of: completion.data) {
    case .operation?:
      return .operation(token: Tag.token(of: completion.data), result: Int(completion.result))
    case .ready?:
      return .ready(token: Tag.token(of: completion.data))
    case .eventChannel?:
      guard completion.result == 4 else {
        // Somebody else read the port, or a signal came: listen again. Anything else would come
        // again at once, and for ever.
        let passing: [Errno] = [.wouldBlock, .interrupted, .canceled]
        let error = Errno(rawValue: -completion.result)
        guard completion.result >= 0 || passing.contains(error) else { throw error }
        armEventChannel(unmasking: nil)
        return nil
      }
      // SAFETY: the kernel wrote the port there.
      return .eventChannel(EventChannelPort(rawValue: unsafe ports[1]))
    case .xenStore?:
      guard completion.result >= 0 else { throw Errno(rawValue: -completion.result) }
      armXenStore()
      return .xenStore
    case .xenStoreWritable?:
      isAwaitingRoom = false
      return .xenStore
    case .timeout?:
      timeouts.ended(Tag.token(of: completion.data))
      return nil
    case .signal?:
      return .stopSignal
    case .copy?:
      noteRefusal(completion.result)
      return .copy(token: Tag.token(of: completion.data), result: Int(completion.result))
    case .notification?:
      if noteRefusal(completion.result) {
        notify(EventChannelPort(rawValue: UInt32(Tag.token(of: completion.data))))
      }
      return nil
    case .chain?:
      // The port to unmask was closed meanwhile: listen without it.
      armEventChannel(unmasking: nil)
      return nil
    case nil:
      return nil
    }
  }

  /// - Returns: whether the kernel does not know the command.
  @discardableResult
  private mutating func noteRefusal(_ result: Int32) -> Bool {
    guard result == -EOPNOTSUPP else { return false }
    takesCommands = false
    return true
  }

  private mutating func armPoll(_ descriptor: Int32, _ tag: Tag, _ events: Int32 = POLLIN) {
    // SAFETY: the ring is open.
    unsafe c_uring_poll(ring, descriptor, UInt32(events), tag.data(), 0)
  }
}

/// Input and output. Memory that the kernel reads or fills must stay until the operation's event.
extension EventLoop {
  /// Reads `byteCount` bytes of a file from `byteOffset` into `memory` at `offset`. Answered by
  /// ``LoopEvent/operation(token:result:)``, as all operations.
  public mutating func read(
    from descriptor: Int32, at byteOffset: UInt64, byteCount: Int,
    into memory: borrowing PrivateMemory, at offset: Int, token: Int
  ) {
    // SAFETY: in bounds of the memory, which the caller keeps until the operation's event.
    unsafe c_uring_read(
      ring, descriptor, memory.address(of: offset, byteCount: byteCount), UInt32(byteCount),
      byteOffset, Tag.operation.data(token: token), 0)
  }

  /// Writes `byteCount` bytes of `memory` from `offset` to a file at `byteOffset`.
  public mutating func write(
    to descriptor: Int32, at byteOffset: UInt64, byteCount: Int,
    from memory: borrowing PrivateMemory, at offset: Int, token: Int
  ) {
    // SAFETY: as in `read`.
    unsafe c_uring_write(
      ring, descriptor, memory.address(of: offset, byteCount: byteCount), UInt32(byteCount),
      byteOffset, Tag.operation.data(token: token), 0)
  }

  /// Whether a transfer and its grant copies can be handed over together.
  public var copiesGrants: Bool { grantDescriptor >= 0 && takesCommands }

  /// Reads as ``read(from:at:byteCount:into:at:token:)`` does, and then makes the copies in
  /// `copies`, which are there until the event. When all that was asked for is read, the event is
  /// ``LoopEvent/copy(token:result:)``; when it is not, nothing is copied, and the event is that of
  /// the read.
  public mutating func read(
    from descriptor: Int32, at byteOffset: UInt64, byteCount: Int,
    into memory: borrowing PrivateMemory, at offset: Int,
    copying copies: borrowing GrantCopyTable, _ range: Range<Int>, token: Int
  ) {
    // SAFETY: as in `read`, for the copies as well.
    unsafe c_uring_reserve(ring, 2)
    unsafe c_uring_read(
      ring, descriptor, memory.address(of: offset, byteCount: byteCount), UInt32(byteCount),
      byteOffset, Tag.operation.data(token: token), c_uring_then)
    copy(copies, range, token: token, flags: 0)
  }

  /// Makes the copies in `copies`, which are there until the event, and then writes as
  /// ``write(to:at:byteCount:from:at:token:)`` does. Where a copy fails, nothing is written, and
  /// the event is ``LoopEvent/copy(token:result:)``; else it is that of the write.
  public mutating func write(
    to descriptor: Int32, at byteOffset: UInt64, byteCount: Int,
    from memory: borrowing PrivateMemory, at offset: Int,
    copying copies: borrowing GrantCopyTable, _ range: Range<Int>, token: Int
  ) {
    // SAFETY: as above.
    unsafe c_uring_reserve(ring, 2)
    copy(copies, range, token: token, flags: c_uring_then)
    write(
      to: descriptor, at: byteOffset, byteCount: byteCount, from: memory, at: offset,
      token: token)
  }

  private mutating func copy(
    _ copies: borrowing GrantCopyTable, _ range: Range<Int>, token: Int, flags: UInt32
  ) {
    // SAFETY: the caller keeps table and memory until the event.
    unsafe copies.withSegments(range) { segments in
      unsafe c_uring_grant_copy(
        ring, grantDescriptor, segments.baseAddress, UInt32(segments.count),
        Tag.copy.data(token: token), flags)
    }
  }

  /// Makes what was written durable (`fdatasync`).
  public mutating func flush(_ descriptor: Int32, token: Int) {
    // SAFETY: the ring is open.
    unsafe c_uring_flush(ring, descriptor, Tag.operation.data(token: token))
  }

  /// Lets go of a part of a file (`fallocate`, `FALLOC_FL_PUNCH_HOLE`).
  public mutating func punchHole(
    in descriptor: Int32, at byteOffset: UInt64, byteCount: UInt64, token: Int
  ) {
    // SAFETY: the ring is open.
    unsafe c_uring_punch_hole(
      ring, descriptor, byteOffset, byteCount, Tag.operation.data(token: token))
  }

  /// Waits until a descriptor can be read, once. Answered by ``LoopEvent/ready(token:)``.
  public mutating func pollReadable(_ descriptor: Int32, token: Int) {
    // SAFETY: the ring is open.
    unsafe c_uring_poll(ring, descriptor, UInt32(POLLIN), Tag.ready.data(token: token), 0)
  }
}

/// Whose completion it is: the top byte of a request's number; below it, the token.
private enum Tag: UInt8 {
  case operation = 1
  case ready
  case eventChannel
  /// The grant copies of a transfer.
  case copy
  /// An event for the guest, of which only a failure is told.
  case notification
  /// Part of a chain: completes only when it fails, and then nothing behind it in the chain does.
  case chain
  case xenStore
  case xenStoreWritable
  case signal
  case timeout

  private static let shift: UInt64 = 56

  init?(of data: UInt64) {
    self.init(rawValue: UInt8(truncatingIfNeeded: data >> Self.shift))
  }

  static func token(of data: UInt64) -> Int {
    Int(data & ((1 << shift) - 1))
  }

  func data(token: Int = 0) -> UInt64 {
    UInt64(rawValue) << Self.shift | UInt64(token)
  }
}
