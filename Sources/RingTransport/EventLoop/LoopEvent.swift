/// What an event loop woke up for.
public enum LoopEvent: Sendable {
  /// An operation that was submitted with this token is done: bytes transferred, or a negative
  /// error number.
  case operation(token: Int, result: Int)
  /// The grant copies of a transfer that was submitted with this token are made: zero, behind a
  /// read that is done as well. Or they failed: a negative error number, behind a read that is
  /// done, or in front of a write that was not begun.
  case copy(token: Int, result: Int)
  /// A descriptor that was polled with this token is ready, or broken.
  case ready(token: Int)
  /// A guest's event arrived on this port, which is masked until the event source is armed again.
  case eventChannel(EventChannelPort)
  /// XenStore has something to say.
  case xenStore
  /// The administrator or init asks the process to stop.
  case stopSignal
}
