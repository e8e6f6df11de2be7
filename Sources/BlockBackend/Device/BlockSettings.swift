/// How a device is served: what the program's options say.
struct BlockSettings: Sendable, Equatable {
  /// Size of the buffer that all requests in flight share, in bytes, a multiple of the page size.
  var bufferByteCount: Int
  /// How long requests wait for a target that is gone, in nanoseconds, before they fail.
  var deviceLossNanoseconds: UInt64 = 30_000_000_000
  /// How long to look for more requests at most before sleeping; 0 for never.
  var pollMicroseconds = 0
  /// Whether responses keep the order of their requests.
  var isInOrder = false
}
