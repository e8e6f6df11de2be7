/// What a guest's kernel counted of its network: one interface, and errors of all.
public struct NetworkCounters: Sendable, Equatable {
  /// Bytes received.
  public var receivedBytes = 0
  /// Frames received; one of several segments counts once.
  public var receivedFrames = 0
  /// Bytes sent.
  public var sentBytes = 0
  /// Frames sent; one of several segments counts once.
  public var sentFrames = 0
  /// Errors and drops of the interface, in both directions.
  public var interfaceErrors = 0
  /// Packets of TCP, UDP and ICMP, of IPv4 and IPv6, that were thrown away for a wrong check sum.
  public var checksumErrors = 0

  /// Parses `/proc/net/dev`, `/proc/net/snmp` and `/proc/net/snmp6`, one after the other.
  init(_ text: String, _ interface: String) {
    var names: [Substring] = []
    for line in text.split(separator: "\n") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard let first = words.first else { continue }
      if first == "\(interface):", words.count > 12 {
        let values = words.dropFirst().map { Int($0) ?? 0 }
        // proc(5): bytes, packets, errs, drop, fifo, frame, compressed, multicast; the same again.
        receivedBytes = values[0]
        receivedFrames = values[1]
        sentBytes = values[8]
        sentFrames = values[9]
        // A host drops what nobody listens to, such as a protocol it does not know: no error.
        interfaceErrors = values[2] + values[10] + values[11]
      } else if first.hasSuffix("InCsumErrors"), words.count == 2 {
        checksumErrors += Int(words[1]) ?? 0
      } else if first.hasSuffix(":"), words.count > 1 {
        // A line of names and a line of values.
        if Int(words[1]) == nil {
          names = words
        } else {
          for (name, value) in zip(names, words) where name == "InCsumErrors" {
            checksumErrors += Int(value) ?? 0
          }
        }
      }
    }
  }

  /// What was counted since `earlier`.
  public func since(_ earlier: NetworkCounters) -> NetworkCounters {
    var difference = self
    difference.receivedBytes -= earlier.receivedBytes
    difference.receivedFrames -= earlier.receivedFrames
    difference.sentBytes -= earlier.sentBytes
    difference.sentFrames -= earlier.sentFrames
    difference.interfaceErrors -= earlier.interfaceErrors
    difference.checksumErrors -= earlier.checksumErrors
    return difference
  }

  /// The mean size of a frame received.
  public var receivedBytesPerFrame: Int { receivedBytes / max(receivedFrames, 1) }
  /// The mean size of a frame sent.
  public var sentBytesPerFrame: Int { sentBytes / max(sentFrames, 1) }
}
