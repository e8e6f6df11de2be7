import RingTransport
import SystemPackage

/// The main loop of a process: wait, take in what happened, do what can be done.
extension NetDevice where Xen: ~Copyable, Transport: ~Copyable, Queues == ThreadedQueues {
  /// Serves a started device until its life ends, with signs of life in its status page.
  mutating func runToEnd() throws(BackendProcessError) {
    let heartbeat = Heartbeat(status, thread: 0)
    defer { heartbeat.end() }
    // What an earlier process has kept is there before anything happens.
    var hasMore = true
    while !isFinished {
      do throws(Errno) {
        try queues.loop.wait(
          timeoutNanoseconds: heartbeat.waitingTime(until: nextDeadline, hasMore: hasMore))
        heartbeat.tick()
        try takeLoopEvents()
        hasMore = turn(now: MonotonicClock.recentNanoseconds())
        if let port = hypervisor.takeNotification() { queues.loop.notify(port) }
        if store.wantsToWrite { queues.loop.armXenStoreWritable() }
        if let port = maskedPort, !hasMore {
          // Only now: until the work is done the guest's events would be in vain.
          maskedPort = nil
          queues.loop.armEventChannel(unmasking: port)
        }
      } catch {
        throw .loop(error)
      }
      if let storeFailure { throw .store(storeFailure) }
      if let queueError { throw .loop(queueError) }
    }
  }

  private mutating func takeLoopEvents() throws(Errno) {
    while let event = try queues.loop.nextEvent() {
      switch event {
      case .eventChannel(let port): maskedPort = port
      case .xenStore:
        do throws(XenStoreFailure) {
          try handleStore(now: MonotonicClock.nanoseconds())
        } catch {
          storeFailure = error
        }
      case .ready: queues.listenForReports()
      case .stopSignal: handleStop(now: MonotonicClock.nanoseconds())
      case .operation, .copy: break
      }
    }
  }
}
