import SimulatedXen

/// A disk in memory that does its work late, in any order, in pieces, and not always well.
///
/// It knows nothing of a backend's types: whoever drives it hands over plain operations and carries
/// their outcomes back. What no disk's user may do is collected in ``violations``.
@safe package final class ModelDisk {
  /// What is to be done.
  package enum Kind: Sendable {
    case read
    case write
    case flush
    case discard
  }

  /// One operation, on a piece of somebody's memory.
  @safe package struct Operation {
    let kind: Kind
    let offset: Int
    let count: Int
    let token: Int
    /// `count` bytes for a read or write, which stay until the operation is done.
    let memory: UnsafeMutableRawPointer?

    /// Describes an operation.
    @unsafe package init(
      kind: Kind, offset: UInt64, count: UInt64, token: Int, memory: UnsafeMutableRawPointer?
    ) {
      self.kind = kind
      self.offset = Int(truncatingIfNeeded: offset)
      self.count = Int(truncatingIfNeeded: count)
      self.token = token
      unsafe self.memory = memory
    }
  }

  /// How badly it works, in so many of a hundred cases.
  package struct Faults: Sendable {
    /// A transfer does less than was asked for.
    package var shortPercent = 0
    /// An operation fails with EIO. A failed write may have changed some of its bytes.
    package var errorPercent = 0
    /// A write takes its bytes at the moment of submission, not at its end.
    package var earlyPercent = 50

    /// A disk without faults.
    package init() {}
  }

  /// An operation that came to its end.
  package struct Outcome: Sendable {
    /// As given with the operation.
    package let token: Int
    /// Bytes transferred, or a negative error number.
    package let result: Int
    /// As asked for.
    package let byteCount: Int

    fileprivate init(_ operation: Operation, _ result: Int) {
      token = operation.token
      self.result = result
      byteCount = operation.count
    }
  }

  /// How it works.
  package var faults = Faults()
  /// How many operations fit in its queue.
  package var queueDepth = Int.max
  /// Whether a write is a violation.
  package var isReadOnly = false
  /// Whether the device was taken away: every operation ends with ENODEV, done or not.
  package var isGone = false
  /// What its user did that no user may.
  package private(set) var violations: [String] = []
  /// The most operations that were in flight at once.
  package private(set) var deepest = 0
  /// How many flushes came to their end.
  package private(set) var flushCount = 0
  package private(set) var bytes: [UInt8]
  private let sectorByteCount: Int
  private var inFlight: [Operation] = []
  /// Writes and discards of users that died meanwhile, which happen when they happen.
  private var orphans: [(range: Range<Int>, bytes: [UInt8])] = []
  private var generator: SeededGenerator

  /// A disk full of zeroes.
  package init(capacityBytes: Int, sectorByteCount: Int = 512, seed: UInt64) {
    bytes = Array(repeating: 0, count: capacityBytes)
    self.sectorByteCount = sectorByteCount
    generator = SeededGenerator(seed: seed)
  }

  /// Operations that are not done yet.
  package var inFlightCount: Int { inFlight.count }

  /// Operations of dead users that are not done yet.
  package var orphanCount: Int { orphans.count }

  /// The user dies, and its memory goes. What it submitted may still be on its way to the medium,
  /// as a kernel keeps the pages of a write; nobody is told of its end.
  package func abandon() {
    for operation in inFlight where operation.kind == .write || operation.kind == .discard {
      let range = operation.offset..<(operation.offset + operation.count)
      guard range.lowerBound >= 0, range.upperBound <= bytes.count else { continue }
      var data = [UInt8](repeating: 0, count: operation.count)
      if operation.kind == .write, let memory = unsafe operation.memory {
        unsafe data.withUnsafeMutableBytes { target in
          // SAFETY: the user's memory is there until this returns, and as long as `data`.
          unsafe target.copyMemory(
            from: UnsafeRawBufferPointer(start: memory, count: operation.count))
        }
      }
      orphans.append((range, data))
    }
    inFlight.removeAll()
  }

  /// One operation of a dead user reaches the medium, any of them.
  package func finishOrphan() {
    guard !orphans.isEmpty else { return }
    let orphan = orphans.remove(at: .random(in: 0..<orphans.count, using: &generator))
    bytes.replaceSubrange(orphan.range, with: orphan.bytes)
  }

  /// Makes the disk larger.
  package func grow(to capacityBytes: Int) {
    bytes += [UInt8](repeating: 0, count: capacityBytes - bytes.count)
  }

  /// Takes an operation in.
  ///
  /// - Returns: false when the queue is full.
  package func submit(_ operation: Operation) -> Bool {
    guard inFlight.count < queueDepth else { return false }
    judge(operation)
    inFlight.append(operation)
    deepest = max(deepest, inFlight.count)
    if operation.kind == .write, generator.chance(percent: faults.earlyPercent) {
      transfer(operation, count: operation.count)
    }
    return true
  }

  /// Ends one operation, any of those in flight.
  ///
  /// - Returns: nil when there is none.
  package func completeOne() -> Outcome? {
    guard !inFlight.isEmpty else { return nil }
    let operation = inFlight.remove(at: .random(in: 0..<inFlight.count, using: &generator))
    if isGone {
      if operation.kind == .write, generator.chance(percent: 50) {
        transfer(operation, count: operation.count / sectorByteCount / 2 * sectorByteCount)
      }
      return Outcome(operation, -19)
    }
    if generator.chance(percent: faults.errorPercent) {
      if operation.kind == .write, generator.chance(percent: 50) {
        transfer(operation, count: operation.count / sectorByteCount / 2 * sectorByteCount)
      }
      return Outcome(operation, -5)
    }
    switch operation.kind {
    case .flush:
      flushCount += 1
      return Outcome(operation, 0)
    case .discard:
      transfer(operation, count: operation.count)
      return Outcome(operation, 0)
    case .read, .write:
      var count = operation.count
      let sectors = count / sectorByteCount
      if sectors > 1, generator.chance(percent: faults.shortPercent) {
        count = .random(in: 1..<sectors, using: &generator) * sectorByteCount
      }
      transfer(operation, count: count)
      return Outcome(operation, count)
    }
  }

  private func transfer(_ operation: Operation, count: Int) {
    guard operation.offset >= 0, operation.offset + count <= bytes.count else { return }
    let range = operation.offset..<(operation.offset + count)
    if operation.kind == .discard {
      bytes.replaceSubrange(range, with: repeatElement(0, count: count))
      return
    }
    guard let memory = unsafe operation.memory else { return }
    unsafe bytes.withUnsafeMutableBytes { all in
      // SAFETY: the disk's range was checked; the user vouches for the memory.
      let place = unsafe UnsafeMutableRawBufferPointer(rebasing: all[range])
      let foreign = unsafe UnsafeMutableRawBufferPointer(start: memory, count: count)
      if operation.kind == .read {
        unsafe foreign.copyMemory(from: UnsafeRawBufferPointer(place))
      } else {
        unsafe place.copyMemory(from: UnsafeRawBufferPointer(foreign))
      }
    }
  }

  private func judge(_ operation: Operation) {
    if inFlight.contains(where: { $0.token == operation.token }) {
      violations.append("token \(operation.token) is in flight twice")
    }
    guard operation.kind != .flush else { return }
    if operation.kind != .read, !orphans.isEmpty {
      violations.append("\(operation.kind) while writes of a dead process are on their way")
    }
    let (end, overflow) = operation.offset.addingReportingOverflow(operation.count)
    if operation.offset < 0 || operation.count <= 0 || overflow || end > bytes.count {
      violations.append("\(operation.kind) of \(operation.count) at \(operation.offset)")
    }
    if operation.offset % sectorByteCount != 0 || operation.count % sectorByteCount != 0 {
      violations.append("\(operation.kind) of parts of sectors")
    }
    if isReadOnly, operation.kind != .read {
      violations.append("\(operation.kind) on a read-only disk")
    }
    guard let start = unsafe operation.memory.map({ UInt(bitPattern: $0) }) else { return }
    let range = start..<(start + UInt(operation.count))
    for other in inFlight {
      guard let otherStart = unsafe other.memory.map({ UInt(bitPattern: $0) }) else { continue }
      if range.overlaps(otherStart..<(otherStart + UInt(other.count))) {
        violations.append("two operations in flight share memory")
      }
    }
  }
}
