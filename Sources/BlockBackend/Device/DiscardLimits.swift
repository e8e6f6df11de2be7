internal import CLinux
internal import Glibc
import RingTransport
import SystemPackage

/// How a block device discards, from sysfs.
enum DiscardLimits {
  /// The limits of an open device, nil when it cannot discard, or only in a way that blocks.
  ///
  /// Discards go out as `FALLOC_FL_PUNCH_HOLE`, which the kernel turns into a "write zeroes" that
  /// unmaps. A device that cannot do that would write zeroes by hand.
  static func ofBlockDevice(_ descriptor: Int32) -> BlockGeometry.Discard? {
    var status = stat()
    // SAFETY: a structure of ours, for the time of the call.
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    let device =
      "/sys/dev/block/"
      + "\(c_device_major(status.st_rdev)):\(c_device_minor(status.st_rdev))"
    // A partition has no queue of its own; its disk is one level up.
    let isPartition = number("\(device)/partition") != nil
    let queue = isPartition ? "\(device)/../queue" : "\(device)/queue"
    guard let discardBytes = number("\(queue)/discard_max_bytes"), discardBytes > 0,
      let zeroBytes = number("\(queue)/write_zeroes_max_bytes"), zeroBytes > 0
    else { return nil }
    return BlockGeometry.Discard(
      granularityBytes: max(512, number("\(queue)/discard_granularity") ?? 512),
      alignmentBytes: number("\(device)/discard_alignment") ?? 0)
  }

  private static func number(_ path: String) -> UInt64? {
    guard let file = try? OwnedFileDescriptor.open(FilePath(path), .readOnly) else { return nil }
    var digits: UInt64?
    var text = InlineArray<32, UInt8>(repeating: 0)
    var span = text.mutableSpan
    // SAFETY: 32 bytes of ours, for the time of the call.
    let count = unsafe span.withUnsafeMutableBufferPointer { bytes in
      unsafe read(file.rawValue, bytes.baseAddress, bytes.count)
    }
    for index in 0..<max(0, count) {
      let byte = text[index]
      guard (48...57).contains(byte) else { break }
      digits = (digits ?? 0) &* 10 &+ UInt64(byte - 48)
    }
    return digits
  }
}
