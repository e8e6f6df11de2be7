import CLinux
import Glibc
import RingTransport
import SystemPackage

/// What is asked of a file: so many operations of 4 KiB at random places, at any time.
struct Workload: Sendable {
  /// Its name in JSON.
  let key: String
  let title: String
  let depth: Int
  let isWrite: Bool

  static let all = [
    Workload(
      key: "randread_4k_depth_32", title: "random reads of 4 KiB, depth 32", depth: 32,
      isWrite: false),
    Workload(
      key: "randwrite_4k_depth_32", title: "random writes of 4 KiB, depth 32", depth: 32,
      isWrite: true),
    Workload(
      key: "randread_4k_depth_1", title: "random reads of 4 KiB, depth 1", depth: 1,
      isWrite: false),
  ]

  /// What does not count, until everything runs as it will, in nanoseconds.
  static let warmUpNanoseconds: UInt64 = 200_000_000
}

/// How a workload went.
struct Rate {
  var requestsPerSecond = 0.0
  /// What the process that spoke with the kernel took of its processor for each request.
  var processorNanoseconds = 0.0
}

/// The file that the workloads are for, on a real file system, written once so that no write
/// changes more than data.
struct BenchFile {
  static let byteCount = 256 << 20
  let path: String

  /// Makes the file in `.build`, unless it is there.
  init() throws {
    // SAFETY: the call allocates the path, which is freed here.
    guard let folder = unsafe realpath(".build", nil) else { throw Errno(rawValue: errno) }
    path = unsafe String(cString: folder) + "/micro-bench.disk"
    unsafe free(folder)
    var status = stat()
    // SAFETY: a path as a C string and a structure of ours, for the time of the call.
    if unsafe stat(path, &status) == 0, status.st_size == Self.byteCount { return }
    let number = try systemCall { unsafe c_open(path, O_RDWR | O_CREAT | O_CLOEXEC) }
    let file = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    var random = RandomPlaces(seed: 1)
    let block = (0..<(1 << 17)).map { _ in random.word() }
    for _ in 0..<(Self.byteCount >> 20) {
      // SAFETY: the call reads the array and no more.
      let written = try unsafe block.withUnsafeBytes { bytes throws(Errno) in
        try systemCall { unsafe write(number, bytes.baseAddress, bytes.count) }
      }
      guard written == 1 << 20 else { throw Errno.noSpace }
    }
    try systemCall { fsync(number) }
    try file.close()
  }

  /// Opens it as a backend does that is given it.
  func open() throws(Errno) -> OwnedFileDescriptor {
    let flags = O_RDWR | O_CLOEXEC | O_DSYNC | c_open_direct
    // SAFETY: a path as a C string, for the time of the call.
    let number = try systemCall { unsafe c_open(path, flags) }
    return OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }
}

/// Places in the file, each a multiple of 4 KiB.
struct RandomPlaces {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed &* 2 &+ 1
  }

  /// The next place, in bytes.
  mutating func next() -> UInt64 {
    word() % UInt64(BenchFile.byteCount / 4096) * 4096
  }

  /// Any number (xorshift64*).
  mutating func word() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d >> 8
  }
}

/// What the process has taken of its processor, in nanoseconds.
func processNanoseconds() -> UInt64 {
  var time = timespec()
  // SAFETY: the structure is ours; the call only writes into it.
  unsafe _ = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
