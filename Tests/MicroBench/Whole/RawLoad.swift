import CURing
import RingTransport
import SystemPackage

/// The same load without us: one thread, one io_uring, as many operations in it as there may be.
enum RawLoad {
  /// Runs it in a process of its own.
  static func run(_ load: Workload, _ file: BenchFile, nanoseconds: UInt64) throws -> Rate {
    let process = try OtherProcess(within: UInt32(nanoseconds / 1_000_000_000) + 30) {
      try serve(load, file, nanoseconds)
    }
    let words = try process.end()
    return Rate(
      requestsPerSecond: Double(words[0]) / Double(words[1]) * 1e9,
      processorNanoseconds: Double(words[3]) / Double(words[2]))
  }

  private static func serve(
    _ load: Workload, _ file: BenchFile, _ nanoseconds: UInt64
  ) throws -> [UInt64] {
    var error: Int32 = 0
    // SAFETY: closed on every way out, before the memory goes.
    guard let ring = unsafe c_uring_open(256, &error) else { throw Errno(rawValue: error) }
    let target = try file.open()
    let memory = try PrivateMemory(byteCount: load.depth * 4096)
    defer { unsafe c_uring_close(ring) }
    var places = RandomPlaces(seed: MonotonicClock.nanoseconds())
    let processor = processNanoseconds()
    func submit(_ index: UInt64) {
      // SAFETY: in bounds of the memory, which stays until the ring is closed.
      let buffer = unsafe memory.address(of: Int(index) * 4096, byteCount: 4096)
      if load.isWrite {
        unsafe c_uring_write(ring, target.rawValue, buffer, 4096, places.next(), index, 0)
      } else {
        unsafe c_uring_read(ring, target.rawValue, buffer, 4096, places.next(), index, 0)
      }
    }
    for index in 0..<load.depth { submit(UInt64(index)) }
    var tally = Tally(nanoseconds: nanoseconds)
    var completion = c_uring_completion()
    while !tally.isOver {
      // SAFETY: the ring is open.
      let result = unsafe c_uring_wait(ring, -1)
      guard result >= 0 else { throw Errno(rawValue: -result) }
      while unsafe c_uring_next(ring, &completion) != 0 {
        guard completion.result == 4096 else { throw Errno(rawValue: -completion.result) }
        tally.count += 1
        submit(completion.data)
      }
      tally.look()
    }
    return tally.words + [processNanoseconds() - processor]
  }
}

/// Counts requests, and knows when the measurement begins and ends.
struct Tally {
  var count: UInt64 = 0
  private let start: UInt64
  private let end: UInt64
  private var countAtStart: UInt64?
  private var measuredFrom: UInt64 = 0
  private var measuredTo: UInt64 = 0
  private var measuredCount: UInt64 = 0

  init(nanoseconds: UInt64) {
    start = MonotonicClock.nanoseconds() + Workload.warmUpNanoseconds
    end = start + nanoseconds
  }

  var isOver: Bool { measuredTo != 0 }

  /// Looks at the clock.
  mutating func look() {
    let now = MonotonicClock.nanoseconds()
    guard let countAtStart else {
      if now >= start { (countAtStart, measuredFrom) = (count, now) }
      return
    }
    if now >= end, !isOver { (measuredTo, measuredCount) = (now, count - countAtStart) }
  }

  /// Requests and nanoseconds that count, and all requests.
  var words: [UInt64] { [measuredCount, measuredTo - measuredFrom, count] }
}
