import RingTransport
import SystemPackage

/// One pair of rings of a vif, with their event channels.
///
/// One thread uses an instance: that of its event loop.
struct NetQueue: ~Copyable {
  private(set) var transmit: TransmitQueue
  private(set) var receive: ReceiveQueue
  /// Our ends of the guest's event channels; the same one twice where the guest has only one.
  let transmitPort: EventChannelPort
  let receivePort: EventChannelPort
  private let policy: VifPolicy
  private var statistics = NetStatistics()
  /// An earlier process may have died between publishing and sending the events for it.
  private var owesNotifications: Bool

  /// What came of a turn.
  struct Outcome {
    /// Whether there is more to do at once.
    var hasMore = false
    /// Whether to wake up for a frame.
    var wantsFrames = false
    /// When to turn again at the latest, in nanoseconds.
    var notBefore: UInt64?
  }

  /// Maps the guest's rings and binds its event channels.
  ///
  /// - Parameters:
  ///   - buffer: keeps received frames for the next process.
  ///   - adopts: whether an earlier process has served the rings and died.
  init<Xen: Hypervisor & ~Copyable>(
    _ parameters: NetQueueParameters, guest: NetGuest, policy: VifPolicy,
    keptIn buffer: StatusBuffer, adopts: Bool = false, hypervisor: inout Xen
  ) throws(NetConnectionError) {
    let transmitPages = try Self.map(parameters.transmitRing, guest, &hypervisor)
    let receivePages = try Self.map(parameters.receiveRing, guest, &hypervisor)
    let transmit = try TransmitQueue(pages: transmitPages, frontendDomain: guest.domain)
    let receive = try ReceiveQueue(
      pages: receivePages, guest: guest, keptIn: buffer, adopts: adopts)
    let transmitPort = try Self.bind(parameters.transmitPort, guest, &hypervisor)
    var receivePort = transmitPort
    if parameters.receivePort != parameters.transmitPort {
      do throws(NetConnectionError) {
        receivePort = try Self.bind(parameters.receivePort, guest, &hypervisor)
      } catch {
        hypervisor.unbind(transmitPort)
        throw error
      }
    }
    self.transmit = transmit
    self.receive = receive
    self.transmitPort = transmitPort
    self.receivePort = receivePort
    self.policy = policy
    owesNotifications = adopts
  }

  private static func map<Xen: Hypervisor & ~Copyable>(
    _ reference: GrantReference, _ guest: NetGuest, _ hypervisor: inout Xen
  ) throws(NetConnectionError) -> SharedPages {
    do throws(Errno) {
      return try hypervisor.map([reference], of: guest.domain)
    } catch {
      throw .map(error)
    }
  }

  private static func bind<Xen: Hypervisor & ~Copyable>(
    _ port: EventChannelPort, _ guest: NetGuest, _ hypervisor: inout Xen
  ) throws(NetConnectionError) -> EventChannelPort {
    do throws(Errno) {
      return try hypervisor.bind(port, of: guest.domain)
    } catch {
      throw .bind(error)
    }
  }

  /// Closes the event channels. The rings go with the instance.
  func unbind<Xen: Hypervisor & ~Copyable>(_ hypervisor: inout Xen) {
    hypervisor.unbind(transmitPort)
    if receivePort != transmitPort { hypervisor.unbind(receivePort) }
  }

  /// Does all that can be done now, in both directions.
  ///
  /// - Parameter mayHaveFrames: false where it is known that no frame waits; asking would be a
  ///   system call.
  /// - Throws: when the frontend broke the protocol. The vif is to be given up.
  mutating func turn<Xen: Hypervisor & ~Copyable, Port: NetPort & ~Copyable>(
    hypervisor: inout Xen, port: inout Port, mayHaveFrames: Bool = true, now: UInt64
  ) throws(NetViolation) -> Outcome {
    statistics.turns += 1
    let sent = try transmit.turn(
      hypervisor: &hypervisor, port: &port, policy: policy, now: now)
    notify(
      transmit.ring.takeNotifyDecision() || owesNotifications, transmitPort, &hypervisor)
    var received = ReceiveQueue.Outcome(wantsFrames: true)
    if mayHaveFrames {
      received = try receive.turn(
        hypervisor: &hypervisor, port: &port, policy: policy, now: now)
    }
    let owesReceive = owesNotifications && receivePort != transmitPort
    owesNotifications = false
    notify(receive.ring.takeNotifyDecision() || owesReceive, receivePort, &hypervisor)
    var outcome = Outcome(
      hasMore: sent.hasMore || received.hasMore, wantsFrames: received.wantsFrames,
      notBefore: Self.earlier(sent.notBefore, received.notBefore))
    // A packet that waits for credit is taken up by time, not by an event.
    if !outcome.hasMore, sent.notBefore == nil {
      do throws(RingViolation) {
        outcome.hasMore = try transmit.ring.armRequestEvent()
      } catch {
        throw .ring(error)
      }
    }
    return outcome
  }

  private mutating func notify<Xen: Hypervisor & ~Copyable>(
    _ isWanted: Bool, _ port: EventChannelPort, _ hypervisor: inout Xen
  ) {
    guard isWanted else { return }
    statistics.notifications += 1
    hypervisor.notify(port)
  }

  private static func earlier(_ left: UInt64?, _ right: UInt64?) -> UInt64? {
    guard let left, let right else { return left ?? right }
    return min(left, right)
  }

  /// Gives the place for a frame that is read while the queue waits; see ``ReceiveQueue``.
  mutating func awaitFrame() -> IncomingFrame { receive.awaitFrame() }

  /// What came of it; see ``ReceiveQueue``.
  mutating func frameArrived<Port: NetPort & ~Copyable>(byteCount: Int?, port: inout Port) {
    receive.frameArrived(byteCount: byteCount, port: &port)
  }

  /// Changes the room in front of received data.
  mutating func setHeadroom(byteCount: Int) {
    receive.headroomByteCount = byteCount
  }

  /// What both directions have done.
  var totals: NetStatistics { statistics + transmit.statistics + receive.statistics }
}
