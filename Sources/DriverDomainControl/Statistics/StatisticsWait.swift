import Glibc

/// How long a driver domain may take to answer. It answers in one turn of init's loop.
enum StatisticsWait {
  static let millisecondsMax: UInt64 = 2_000
  private static let pauseMicroseconds: UInt32 = 5_000

  static func pause() { usleep(pauseMicroseconds) }
}
