import Glibc
import RingTransport
import Synchronization
import Testing

@Suite("A thread")
struct ServiceThreadTests {
  @Test("runs to its end beside the one that starts it, which can wait for that")
  func joins() throws {
    let caller = pthread_self()
    let wakeUp = try WakeUp()
    let isOther = Mutex<Bool?>(nil)
    let thread = try ServiceThread.start { [caller] in
      // The caller has come back from `start`, or this would never end.
      wakeUp.wait()
      isOther.withLock { $0 = pthread_equal(pthread_self(), caller) == 0 }
    }
    #expect(isOther.withLock { $0 } == nil)
    wakeUp.signal()
    thread.join()
    #expect(isOther.withLock { $0 } == true)
  }

  @Test("keeps what its body needs, and lets go of it at the end")
  func owns() throws {
    final class Witness: Sendable {}
    weak var observed: Witness?
    let wakeUp = try WakeUp()
    let thread: ServiceThread
    do {
      let witness = Witness()
      observed = witness
      thread = try ServiceThread.start { [witness] in
        wakeUp.wait()
        withExtendedLifetime(witness) {}
      }
    }
    #expect(observed != nil)
    wakeUp.signal()
    thread.join()
    #expect(observed == nil)
  }
}
