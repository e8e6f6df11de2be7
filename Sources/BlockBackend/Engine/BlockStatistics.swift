import Logging

/// What a device has done since its ring was connected. Logged when the ring goes.
struct BlockStatistics: Sendable, Equatable {
  var reads: UInt64 = 0
  var writes: UInt64 = 0
  var flushes: UInt64 = 0
  var discards: UInt64 = 0
  /// Of the reads and writes, those with indirect segments.
  var indirect: UInt64 = 0
  /// Of the reads and writes, those whose grant copies the kernel makes with the transfer.
  var linked: UInt64 = 0
  var bytesRead: UInt64 = 0
  var bytesWritten: UInt64 = 0
  /// Requests answered with an error.
  var errors: UInt64 = 0
  /// Events sent to the guest.
  var notifications: UInt64 = 0

  /// As fields of a log line.
  var metadata: Logger.Metadata {
    [
      "reads": "\(reads)", "writes": "\(writes)", "flushes": "\(flushes)",
      "discards": "\(discards)", "indirect": "\(indirect)", "linked": "\(linked)",
      "bytes-read": "\(bytesRead)",
      "bytes-written": "\(bytesWritten)", "errors": "\(errors)",
      "notifications": "\(notifications)",
    ]
  }
}
