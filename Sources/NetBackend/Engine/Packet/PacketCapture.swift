internal import CPcap
internal import Glibc
import RingTransport
import SystemPackage

/// A capture file that frames are written to, in libpcap's format.
///
/// The owner of the open file. Writes are buffered; ``flush()`` hands them to the kernel. Use a
/// file system whose delays the guest may wait for: writing is done by the thread that calls.
@safe struct PacketCapture: ~Copyable {
  private let dumper: OpaquePointer
  private let snapByteCount: Int
  private let limitByteCount: UInt64
  /// Size of the file in bytes, as far as it has been written.
  private(set) var byteCount: UInt64
  /// Frames that were not written, because the file is full or could not be written.
  private(set) var missedCount: UInt64 = 0
  /// The file could not be written; nothing more is tried.
  private(set) var hasFailed = false

  /// Size of the file's header, in bytes (`struct pcap_file_header`).
  private static let fileHeaderByteCount: UInt64 = 24
  /// Size of a frame's header in the file, in bytes: time and two sizes, four bytes each.
  private static let recordHeaderByteCount: UInt64 = 16
  /// Names that are tried: a process that takes over finds the file of its predecessor.
  private static let largestSuffix = 999

  /// Makes a file that does not exist yet: `path`, or `path.1`, `path.2`, ...
  ///
  /// - Parameters:
  ///   - snapByteCount: how much of each frame is kept, at least one byte.
  ///   - limitByteCount: size that the file does not exceed.
  init(
    path: String, snapByteCount: Int, limitByteCount: UInt64
  ) throws(Errno) {
    precondition(snapByteCount > 0)
    let descriptor = try Self.createFile(path)
    // SAFETY: the stream owns the descriptor from here on, and the dumper the stream.
    guard let stream = unsafe fdopen(descriptor, "w") else {
      let failure = Errno(rawValue: errno)
      close(descriptor)
      throw failure
    }
    guard let session = unsafe pcap_open_dead(DLT_EN10MB, Int32(clamping: snapByteCount)) else {
      unsafe fclose(stream)
      throw .noMemory
    }
    defer { unsafe pcap_close(session) }
    // On failure the stream has been closed.
    guard let dumper = unsafe pcap_dump_fopen(session, stream) else { throw .ioError }
    unsafe self.dumper = dumper
    self.snapByteCount = min(snapByteCount, Int(Int32.max))
    self.limitByteCount = limitByteCount
    byteCount = Self.fileHeaderByteCount
  }

  deinit {
    // SAFETY: the owner of the dumper ends here. Closing writes what is buffered.
    unsafe pcap_dump_close(dumper)
  }

  private static func createFile(_ path: String) throws(Errno) -> CInt {
    for suffix in 0...largestSuffix {
      let name = suffix == 0 ? path : "\(path).\(suffix)"
      // A link that somebody put there is not followed.
      // SAFETY: the call reads the name to its end.
      let descriptor = unsafe open(
        name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
      if descriptor >= 0 { return descriptor }
      guard errno == EEXIST else { throw Errno(rawValue: errno) }
    }
    throw .fileExists
  }

  /// Writes a frame, if there is room for it.
  ///
  /// - Parameter timeMicroseconds: when it came by, since 1970.
  mutating func write(_ frame: RawSpan, timeMicroseconds: Int64) {
    let kept = min(frame.byteCount, snapByteCount)
    let size = Self.recordHeaderByteCount + UInt64(kept)
    guard !hasFailed, byteCount + size <= limitByteCount else {
      missedCount += 1
      return
    }
    var header = pcap_pkthdr()
    header.ts.tv_sec = Int(timeMicroseconds / 1_000_000)
    header.ts.tv_usec = Int(timeMicroseconds % 1_000_000)
    header.caplen = UInt32(kept)
    header.len = UInt32(clamping: frame.byteCount)
    // SAFETY: the dumper is open; the call reads `caplen` bytes of the frame.
    unsafe frame.withUnsafeBytes { bytes in
      unsafe pcap_dump(
        UnsafeMutablePointer(dumper), &header,
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    byteCount += size
    hasFailed = unsafe ferror(pcap_dump_file(dumper)) != 0
  }

  /// Hands what is buffered to the kernel, so that it survives this process.
  mutating func flush() {
    // SAFETY: the dumper is open.
    if unsafe pcap_dump_flush(dumper) != 0 { hasFailed = true }
  }
}
