import Foundation

/// The parts of iperf3's report (`iperf3 -J`) that are of use here.
public struct IperfReport: Decodable, Sendable {
  /// One sum over the whole run.
  public struct Sum: Decodable, Sendable {
    /// Bits a second of payload.
    public var bitsPerSecond: Double
    /// Datagrams, in a run with UDP.
    public var packets: Int?
    /// Datagrams that did not arrive, in a run with UDP.
    public var lostPackets: Int?
    /// Segments that TCP had to send again.
    public var retransmits: Int?
    /// How long it took.
    public var seconds: Double
  }

  /// The end of the report.
  public struct End: Decodable, Sendable {
    /// What was sent, in a run with TCP.
    public var sumSent: Sum?
    /// What arrived, in a run with TCP.
    public var sumReceived: Sum?
    /// What came back, in a run with TCP in both directions.
    public var sumReceivedBidirReverse: Sum?
    /// What was sent and what was lost, in a run with UDP.
    public var sum: Sum?
  }

  /// The end of the report.
  public var end: End

  init(json: String) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    self = try decoder.decode(IperfReport.self, from: Data(json.utf8))
  }

  /// Payload that arrived, in bits a second; in a run in both directions the sum of both.
  public var receivedBitsPerSecond: Double {
    (end.sumReceived?.bitsPerSecond ?? 0) + (end.sumReceivedBidirReverse?.bitsPerSecond ?? 0)
  }
  /// Datagrams that arrived, a second.
  public var receivedPacketsPerSecond: Double {
    guard let sum = end.sum, sum.seconds > 0 else { return 0 }
    return Double((sum.packets ?? 0) - (sum.lostPackets ?? 0)) / sum.seconds
  }
}
