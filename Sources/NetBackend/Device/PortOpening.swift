import RingTransport
import SystemPackage

/// How the network side is reached: by this process, or by an ``Opener`` where it may not.
///
/// A request's name is the uplink as text. An answer is a byte that says what came of it; an error
/// number of four bytes follows where the system said one.
struct PortOpening: Sendable {
  /// Nil for this process.
  let opener: Opener?
  /// The queues of the TAP device that init holds. Frames for the guest wait in those that are
  /// attached while there is no backend.
  var held: [HeldQueue] = []

  enum Verb: UInt8 {
    /// Only to see whether the interface is there.
    case expect
    case open
  }

  private enum Outcome: UInt8 {
    case done
    case missing
    case failed
  }

  /// Lays down which interface it is, before anything of the guest is looked at.
  func announce(_ uplink: NetUplink) {
    // Whether it is there matters later, and so does whether there still is a child to ask.
    try? opener?.announce(Self.message(.expect, uplink))
  }

  /// Checks that the interface is there.
  func expect(_ uplink: NetUplink) throws(NetPortError) {
    if !held.isEmpty { return }
    guard let opener else { return try DescriptorPort.expectInterface(uplink.interface) }
    _ = try Self.ask(.expect, uplink, opener)
  }

  /// Has the TAP device fill so many of its queues, and no others.
  func attachQueues(_ count: Int, of uplink: NetUplink) throws(NetPortError) {
    // The first is always attached.
    for (index, queue) in held.enumerated().dropFirst() {
      do throws(Errno) {
        try queue.setAttached(index < count)
      } catch {
        throw .open(uplink.interface, error)
      }
    }
  }

  /// Opens a queue of a TAP device, where init holds none with this number, or a packet socket.
  func port(
    _ uplink: NetUplink, queue: Int, ownAddress: EthernetAddress?
  ) throws(NetPortError) -> DescriptorPort {
    if queue < held.count { return DescriptorPort(sharing: held[queue]) }
    guard let opener else {
      return DescriptorPort(adopting: try Self.open(uplink), ownAddress: ownAddress)
    }
    var answer = try Self.ask(.open, uplink, opener)
    guard let file = answer.file.take() else { throw .open(uplink.interface, .badMessage) }
    return DescriptorPort(adopting: file, ownAddress: ownAddress)
  }

  private static func ask(
    _ verb: Verb, _ uplink: NetUplink, _ opener: Opener
  ) throws(NetPortError) -> Opener.Answer {
    let answer: Opener.Answer
    do throws(Errno) {
      answer = try opener.open(message(verb, uplink))
    } catch {
      throw .open(uplink.interface, error)
    }
    return try read(answer, uplink.interface)
  }

  /// A request.
  static func message(_ verb: Verb, _ uplink: NetUplink) -> Opener.Request {
    Opener.Request(verb: verb.rawValue, name: Array(uplink.description.utf8))
  }

  /// Reads an answer; gives it back when it is no error.
  static func read(
    _ answer: consuming Opener.Answer, _ name: String
  ) throws(NetPortError) -> Opener.Answer {
    switch answer.bytes.first.flatMap(Outcome.init(rawValue:)) {
    case .done: return answer
    case .missing: throw .missing(name)
    case .failed:
      let number = answer.bytes.dropFirst().prefix(4).reversed()
        .reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      throw .open(name, Errno(rawValue: CInt(bitPattern: number)))
    case nil: throw .open(name, .badMessage)
    }
  }

  private static func open(_ uplink: NetUplink) throws(NetPortError) -> OwnedFileDescriptor {
    switch uplink {
    case .tap(let name): return try DescriptorPort.openTap(name)
    case .packet(let name): return try DescriptorPort.openPacketSocket(name)
    case .capture(let name): throw .open(name, .notSupported)
    }
  }

  /// Does what is asked, outside of the sandbox.
  static func serve(_ request: Opener.Request) -> Opener.Answer {
    guard let uplink = NetUplink(String(decoding: request.name, as: UTF8.self)),
      let verb = Verb(rawValue: request.verb)
    else { return Opener.Answer(bytes: [], file: nil) }
    do throws(NetPortError) {
      guard verb == .open else {
        try DescriptorPort.expectInterface(uplink.interface)
        return Opener.Answer(bytes: [Outcome.done.rawValue], file: nil)
      }
      return Opener.Answer(bytes: [Outcome.done.rawValue], file: try open(uplink))
    } catch {
      return Opener.Answer(bytes: bytes(of: error), file: nil)
    }
  }

  private static func bytes(of error: NetPortError) -> [UInt8] {
    switch error {
    case .missing: return [Outcome.missing.rawValue]
    case .open(_, let errno), .offloads(_, let errno):
      let number = UInt32(bitPattern: errno.rawValue)
      return [Outcome.failed.rawValue]
        + (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    case .capture: return []
    }
  }
}
