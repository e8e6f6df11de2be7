internal import Glibc
import RingTransport
import SystemPackage

/// The main loop of a process: wait, take in what happened, do what can be done.
extension BlockDevice where Xen: ~Copyable, Transport: ~Copyable, Storage == TargetLoop {
  /// Serves the device until its life ends.
  mutating func runToEnd() throws(BackendProcessError) {
    start(now: Self.monotonicNanoseconds())
    var hasMore = false
    while !isFinished {
      do throws(Errno) {
        try storage.loop.wait(timeoutNanoseconds: waitingTime(hasMore: hasMore))
        try takeLoopEvents()
        hasMore = turn(now: Self.monotonicNanoseconds())
        if store.wantsToWrite { storage.loop.armXenStoreWritable() }
        if let port = maskedPort, !hasMore {
          // Only now: until the work is done the guest's events would be in vain.
          maskedPort = nil
          storage.loop.armEventChannel(unmasking: queue == nil ? nil : port)
        }
      } catch {
        throw .loop(error)
      }
      if let storeFailure { throw .store(storeFailure) }
    }
  }

  private mutating func takeLoopEvents() throws(Errno) {
    while let event = try storage.loop.nextEvent() {
      switch event {
      case .operation(let token, let result): handleCompletion(token: token, result: result)
      case .eventChannel(let port): maskedPort = port
      case .xenStore:
        do throws(XenStoreFailure) {
          try handleStore(now: Self.monotonicNanoseconds())
        } catch {
          storeFailure = error
        }
      case .ready: break
      case .stopSignal: handleStop(now: Self.monotonicNanoseconds())
      }
    }
  }

  /// How long to sleep at most: not at all when there is work, for ever when nothing is due.
  private func waitingTime(hasMore: Bool) -> UInt64? {
    if hasMore { return 0 }
    guard let deadline = nextDeadline else { return nil }
    let now = Self.monotonicNanoseconds()
    return deadline > now ? deadline - now : 0
  }

  /// `CLOCK_MONOTONIC` in nanoseconds.
  static func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    // SAFETY: a structure of ours, for the time of the call.
    unsafe _ = clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
