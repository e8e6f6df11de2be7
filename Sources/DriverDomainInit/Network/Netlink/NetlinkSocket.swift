import CLinux
import Glibc
import RingTransport
import SystemPackage

/// Talks to rtnetlink: one request at a time, and its answer.
struct NetlinkSocket: ~Copyable {
  private let descriptor: OwnedFileDescriptor
  private var sequence: UInt32 = 0
  private var buffer = [UInt8](repeating: 0, count: Self.datagramByteCountMax)

  /// The kernel fills at most 32 KiB of a reader's buffer with one part of a dump
  /// (`netlink_dump` in Linux net/netlink/af_netlink.c).
  static let datagramByteCountMax = 65536
  /// Changing a link waits for the driver, which may reset a NIC: seconds. More is a hang.
  private static let timeoutSeconds: Int32 = 10
  /// A dump during which links changed is repeated; so often in a row they do not change.
  private static let dumpCountMax = 5
  /// A domain with 128 guests' interfaces has about 140 links; no more are looked at.
  private static let messageCountMax = 4096

  init() throws(NetworkError) {
    do throws(Errno) {
      let number = try systemCall { c_open_route_socket(0, 0, Self.timeoutSeconds) }
      descriptor = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    } catch {
      throw .socket(error)
    }
  }

  /// The speed of a card in Mbit/s; nil for what has none.
  func speedMegabits(of name: String) -> Int? {
    // SAFETY: the call reads the name to its end. Any socket will do.
    let speed = unsafe c_link_speed_megabits(descriptor.rawValue, name)
    return speed < 0 ? nil : Int(speed)
  }

  /// Sends a request, and waits for its acknowledgement. `what` says what for, as in "cannot ...".
  mutating func perform(_ request: NetlinkRequest, _ what: String) throws(NetworkError) {
    try send(request, flags: NLM_F_ACK)
    while true {
      for message in try receive(what) where message.sequence == sequence {
        guard Int32(message.type) == NLMSG_ERROR, let verdict = message.verdict else {
          throw .malformed(what)
        }
        guard let error = verdict.error else { return }
        throw .refused(what, error, detail: verdict.detail)
      }
    }
  }

  /// Asks for a list, and gives its messages.
  mutating func dump(
    _ request: NetlinkRequest, _ what: String
  ) throws(NetworkError) -> [NetlinkMessage] {
    for _ in 0..<Self.dumpCountMax {
      if let messages = try dumpOnce(request, what) { return messages }
    }
    throw .malformed(what)
  }

  /// One try; nil where the list changed on the way.
  private mutating func dumpOnce(
    _ request: NetlinkRequest, _ what: String
  ) throws(NetworkError) -> [NetlinkMessage]? {
    try send(request, flags: NLM_F_DUMP)
    var found: [NetlinkMessage] = []
    var isConsistent = true
    while true {
      for message in try receive(what) where message.sequence == sequence {
        if Int32(message.flags) & NLM_F_DUMP_INTR != 0 { isConsistent = false }
        switch Int32(message.type) {
        case NLMSG_DONE: return isConsistent ? found : nil
        case NLMSG_ERROR:
          guard let verdict = message.verdict, let error = verdict.error else {
            throw .malformed(what)
          }
          throw .refused(what, error, detail: verdict.detail)
        default:
          if found.count < Self.messageCountMax { found.append(message) }
        }
      }
    }
  }

  private mutating func send(_ request: NetlinkRequest, flags: Int32) throws(NetworkError) {
    sequence &+= 1
    let bytes = request.finished(sequence: sequence, flags: flags)
    do throws(Errno) {
      try systemCall {
        // SAFETY: the call reads the array's bytes and no more.
        unsafe bytes.withUnsafeBytes {
          unsafe Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, 0)
        }
      }
    } catch {
      throw .socket(error)
    }
  }

  /// The messages of the next datagram of the kernel.
  private mutating func receive(_ what: String) throws(NetworkError) -> [NetlinkMessage] {
    var sender: UInt32 = 0
    let count: Int
    do throws(Errno) {
      let descriptor = descriptor.rawValue
      count = try systemCall {
        // SAFETY: the call writes at most the given count into the buffer, and the sender.
        unsafe buffer.withUnsafeMutableBytes {
          unsafe c_receive_netlink(descriptor, $0.baseAddress, $0.count, &sender)
        }
      }
    } catch {
      let isTimeOut = error == .resourceTemporarilyUnavailable || error == .wouldBlock
      throw isTimeOut ? .noAnswer(what) : .socket(error)
    }
    guard count <= buffer.count else { throw .malformed(what) }
    // Only the kernel has port 0; another sender is a process that plays it.
    return sender == 0 ? NetlinkMessage.messages(in: buffer[..<count]) : []
  }
}
