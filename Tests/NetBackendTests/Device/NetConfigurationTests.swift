import RingTransport
import Testing

@testable import NetBackend

struct NetConfigurationTests {
  private let nodes: [String?] = [
    "/local/domain/3/device/vif/0", "00:16:3e:01:02:03", nil, "1000,50000",
  ]

  @Test func whatLibxlWrites() throws {
    let configuration = try NetConfiguration(values: nodes, filter: nil)
    #expect("\(configuration.frontend)" == "/local/domain/3/device/vif/0")
    #expect("\(configuration.address)" == "00:16:3e:01:02:03")
    #expect(configuration.rate == NetRate(byteCount: 1000, periodNanoseconds: 50_000_000))
    #expect(configuration.rateProblem == nil)
    #expect(configuration.filterExpression == "ether src 00:16:3e:01:02:03")
  }

  /// An administrator's filter never opens what the check of addresses closes, unless it says so.
  @Test func filtersAddToTheCheckOfAddresses() throws {
    let added = try NetConfiguration(values: nodes, filter: "not port 25 or arp")
    #expect(
      added.filterExpression == "(ether src 00:16:3e:01:02:03) and (not port 25 or arp)")
    let alone = try NetConfiguration(values: nodes, filter: "only:not port 25")
    #expect(alone.filterExpression == "not port 25")
    _ = try PacketFilter(added.filterExpression)
  }

  @Test(
    arguments: [
      (0, nil), (0, "relative path"), (1, nil), (1, "00:16:3e:01:02"), (1, "01:00:5e:00:00:01"),
      (2, "nonsense"),
    ] as [(Int, String?)])
  func nonsense(index: Int, value: String?) {
    var nodes = nodes
    nodes[index] = value
    #expect(throws: NetConfigurationError.self) {
      try NetConfiguration(values: nodes, filter: nil)
    }
  }

  @Test func aBadRateLimitsNothingAndIsReported() throws {
    var nodes = nodes
    nodes[3] = "fast"
    let configuration = try NetConfiguration(values: nodes, filter: nil)
    #expect(configuration.rate == nil && configuration.rateProblem != nil)
  }
}
