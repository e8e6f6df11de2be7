public import Logging
internal import SystemPackage

/// What a backend process is to do.
public struct BackendTask<Options: Sendable>: Sendable {
  /// The device's directory.
  public var leaf: BackendLeaf
  /// The program's own options.
  public var options: Options
  /// What the leaf says that the device is, where init has told.
  public var configuration = LeafConfiguration([:])
  /// When the process was told to serve the device, in nanoseconds of the monotonic clock.
  public private(set) var startedAt = MonotonicClock.nanoseconds()
  /// Names the device in every line.
  public var log: Logger
  /// The device's page, which this process has begun to write, unless it has an order ahead.
  public var status: StatusPage
  /// The queues of the leaf's TAP device that init holds, in their order.
  public var queues: [HeldQueue]
  /// Whether the process is to give its rights away.
  public var isSandboxed: Bool
  /// Opens the target or the interface; nil where the process does so itself.
  public var opener: Opener?
  /// For threads beside the main one.
  public var devices: [XenDevices] = []
  /// Where its turn is told, to a process with an order ahead.
  var turn: TurnSignal?

  /// Waits until the device is this process's. Until then another serves it: what its status page
  /// holds changes, and what it has open is in use. At once for a process without an order ahead.
  ///
  /// - Parameter loop: has polled nothing yet that happens before.
  /// - Returns: false when it never will be.
  public mutating func awaitTurn(
    in loop: inout EventLoop
  ) throws(BackendProcessError) -> Bool {
    guard let turn = turn.take() else { return true }
    do throws(Errno) {
      guard try loop.waitReadable(turn.socket.descriptor), try turn.socket.receiveTurn() else {
        return false
      }
    } catch {
      throw .loop(error)
    }
    startedAt = MonotonicClock.nanoseconds()
    status.begin()
    return true
  }
}

/// The connection over which a process that has got ready ahead is told its turn.
final class TurnSignal: Sendable {
  let socket: OrderSocket

  init(_ socket: consuming OrderSocket) { self.socket = socket }
}
