internal import CLinux

/// How the calling thread shares the processor with others (`setpriority(2)`). A thread passes it
/// on to threads and processes that it starts.
///
/// Without the right to change it, it stays as it is.
public enum Urgency: Int32, Sendable {
  /// A guest waits for this, and for nothing else.
  case takingOver = -20
  /// As all others.
  case serving = 0
  /// What nobody waits for, and which is to be done soon all the same.
  case reporting = 5
  /// A spare that is being started: whoever serves comes first.
  case starting = 19

  /// Sets the calling thread's.
  public func apply() {
    _ = c_set_niceness(rawValue)
  }

  /// Sets that of all threads of a process group.
  public func apply(toGroup group: Int32) {
    _ = c_set_group_niceness(group, rawValue)
  }
}

/// Keeps a thread that has taken a device over before all others for its first turns: until then
/// the guest still waits. Then it is as all others, whatever the guest does.
///
/// One thread uses an instance.
public struct Haste: Sendable {
  /// Enough for the guest's first requests and their answers.
  private static let turnCount = 8

  private var turnsLeft = Self.turnCount

  /// Begins when the device is taken over.
  public init() {}

  /// Takes in that a turn is done.
  public mutating func turned() {
    guard turnsLeft > 0 else { return }
    turnsLeft -= 1
    if turnsLeft == 0 { Urgency.serving.apply() }
  }
}
