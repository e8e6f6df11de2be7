import CURing
import Glibc
import SimulatedXen
import Testing

/// What goes through a ring is not seen by filters of system calls.
struct RingRestrictionTests {
  @Test func aRingTakesNothingElse() throws {
    try onOwnThread {
      var error: Int32 = 0
      // SAFETY: closed below, its only use between.
      guard let ring = unsafe c_uring_open(8, &error) else {
        print("skipped: no io_uring here: \(error)")
        return
      }
      let result = unsafe c_uring_try_foreign(ring)
      unsafe c_uring_close(ring)
      #expect(result == -EACCES)
    }
  }
}
