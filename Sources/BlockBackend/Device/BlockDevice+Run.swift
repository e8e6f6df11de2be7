import RingTransport
import SystemPackage

/// The main loop of a process: wait, take in what happened, do what can be done.
extension BlockDevice where Xen: ~Copyable, Transport: ~Copyable, Storage == TargetLoop {
  /// Serves a started device until its life ends, with signs of life and sums in its status page.
  /// I/O of the target goes on beside the loop, so a slow target does not stop the signs.
  mutating func runToEnd(_ status: StatusPage) throws(BackendProcessError) {
    let heartbeat = Heartbeat(status, thread: 0)
    defer { heartbeat.end() }
    var sums = BlockSums(status)
    // What an earlier process has kept is there before anything happens.
    var hasMore = true
    while !isFinished {
      do throws(Errno) {
        try storage.loop.wait(
          timeoutNanoseconds: heartbeat.waitingTime(until: nextDeadline, hasMore: hasMore))
        heartbeat.tick()
        try takeLoopEvents()
        hasMore = turn(now: MonotonicClock.recentNanoseconds())
        report(&sums)
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

  private func report(_ sums: inout BlockSums) {
    switch queue {
    case .some(let queue):
      sums.report(queue.statistics, inFlightCount: Int(queue.ring.inFlightCount), now: now)
    case .none: sums.report(nil, inFlightCount: 0, now: now)
    }
  }

  private mutating func takeLoopEvents() throws(Errno) {
    while let event = try storage.loop.nextEvent() {
      switch event {
      case .operation(let token, let result): handleCompletion(token: token, result: result)
      case .eventChannel(let port): maskedPort = port
      case .xenStore:
        do throws(XenStoreFailure) {
          try handleStore(now: MonotonicClock.nanoseconds())
        } catch {
          storeFailure = error
        }
      case .ready: break
      case .stopSignal: handleStop(now: MonotonicClock.nanoseconds())
      }
    }
  }
}
