public import SystemPackage

/// Waiting for one thing before there is anything else to do.
extension EventLoop {
  /// Waits until a descriptor can be read, or its other end is closed. For a loop that has polled
  /// nothing of its own yet.
  ///
  /// - Returns: false when the process was asked to stop meanwhile.
  /// - Throws: `connectionReset` when XenStore, of which nothing was asked, has something to say:
  ///   that can only be its end.
  public mutating func waitReadable(_ descriptor: Int32) throws(Errno) -> Bool {
    pollReadable(descriptor, token: 0)
    while true {
      try wait(timeoutNanoseconds: nil)
      while let event = try nextEvent() {
        switch event {
        case .ready: return true
        case .stopSignal: return false
        case .xenStore: throw .connectionReset
        case .operation, .copy, .eventChannel: break
        }
      }
    }
  }
}
