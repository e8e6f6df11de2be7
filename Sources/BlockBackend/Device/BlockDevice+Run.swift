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
    var window = PollWindow(limitMicroseconds: settings.pollMicroseconds)
    var haste = Haste()
    // What an earlier process has kept is there before anything happens.
    var hasMore = true
    while !isFinished {
      do throws(Errno) {
        if hasMore {
          try storage.loop.wait(timeoutNanoseconds: 0)
        } else {
          try rest(heartbeat, &window)
        }
        heartbeat.tick()
        try takeLoopEvents()
        hasMore = turnAndNotify(listens: !window.isOpen)
        report(&sums)
        if store.wantsToWrite { storage.loop.armXenStoreWritable() }
        if !hasMore, !window.isOpen { listen() }
        if queue != nil { haste.turned() }
      } catch {
        throw .loop(error)
      }
      if let storeFailure { throw .store(storeFailure) }
    }
  }

  /// Submits what is new, and waits for more to do.
  private mutating func rest(
    _ heartbeat: Heartbeat, _ window: inout PollWindow
  ) throws(Errno) {
    let idleSince = TimeStampCounter.now()
    if window.isOpen, try look(window, since: idleSince) {
      return try storage.loop.wait(timeoutNanoseconds: 0)
    }
    try storage.loop.wait(
      timeoutNanoseconds: heartbeat.waitingTime(until: nextDeadline, hasMore: false))
    window.slept(TimeStampCounter.now() &- idleSince)
  }

  /// Looks for requests and completions before it listens for the guest's events, as long as the
  /// window is open.
  ///
  /// - Returns: whether there is more to do at once.
  private mutating func look(
    _ window: PollWindow, since idleSince: UInt64
  ) throws(Errno) -> Bool {
    // What the last turn has begun.
    try storage.loop.wait(timeoutNanoseconds: 0)
    repeat {
      if storage.loop.isReady || queue?.hasNewRequest ?? false { return true }
    } while queue != nil && window.contains(TimeStampCounter.now() &- idleSince)
    let hasMore = turnAndNotify(listens: true)
    if !hasMore { listen() }
    return hasMore
  }

  private mutating func turnAndNotify(listens: Bool) -> Bool {
    let hasMore = turn(now: MonotonicClock.recentNanoseconds(), listens: listens)
    if let port = hypervisor.takeNotification() { storage.loop.notify(port) }
    return hasMore
  }

  /// Listens for the guest's next event. Only when the work is done: until then its events would be
  /// in vain.
  private mutating func listen() {
    guard let port = maskedPort else { return }
    maskedPort = nil
    storage.loop.armEventChannel(unmasking: queue == nil ? nil : port)
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
      case .copy(let token, let result): queue?.completeCopy(token: token, result: result)
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
