import RingTransport
import Testing

@testable import NetBackend

struct NetRingParametersTests {
  private let single = [
    "request-rx-copy": "1", "feature-rx-notify": "1", "feature-sg": "1", "feature-gso-tcpv4": "1",
    "feature-ipv6-csum-offload": "1", "tx-ring-ref": "8", "rx-ring-ref": "9",
    "event-channel-tx": "10", "event-channel-rx": "11",
  ]

  @Test func oneQueueAsLinuxSaysIt() throws {
    let parameters = try read(single)
    #expect(
      parameters.queues == [
        NetQueueParameters(
          transmitRing: .init(rawValue: 8), receiveRing: .init(rawValue: 9),
          transmitPort: .init(rawValue: 10), receivePort: .init(rawValue: 11))
      ])
    #expect(parameters.guest.sendsReceiveEvents)
    #expect(
      parameters.guest.features == [
        .scatterGather, .segmentationOverIPv4, .checksumOverIPv4, .checksumOverIPv6,
      ])
    #expect(parameters.control == nil && !parameters.requestsMulticastControl)
  }

  @Test func severalQueuesAndTheControlRing() throws {
    var nodes = ["request-rx-copy": "1", "multi-queue-num-queues": "2"]
    for queue in 0..<2 {
      nodes["queue-\(queue)/tx-ring-ref"] = "\(queue * 10)"
      nodes["queue-\(queue)/rx-ring-ref"] = "\(queue * 10 + 1)"
      nodes["queue-\(queue)/event-channel"] = "\(queue * 10 + 2)"
    }
    nodes["ctrl-ring-ref"] = "50"
    nodes["event-channel-ctrl"] = "51"
    nodes["feature-no-csum-offload"] = "1"
    nodes["xdp-headroom"] = "256"
    let parameters = try read(nodes)
    #expect(parameters.queues.map(\.transmitRing.rawValue) == [0, 10])
    #expect(parameters.queues.allSatisfy { $0.transmitPort == $0.receivePort })
    #expect(parameters.control?.ring.rawValue == 50 && parameters.control?.port.rawValue == 51)
    #expect(parameters.guest.features.isEmpty && parameters.guest.headroomByteCount == 256)
  }

  @Test(
    arguments: [
      ("request-rx-copy", nil), ("request-rx-copy", "0"), ("tx-ring-ref", nil),
      ("tx-ring-ref", "-1"), ("rx-ring-ref", "4294967296"), ("event-channel-rx", nil),
      ("event-channel-tx", "x"), ("multi-queue-num-queues", "0"), ("multi-queue-num-queues", "5"),
      ("multi-queue-num-queues", "2"), ("xdp-headroom", "449"), ("ctrl-ring-ref", "1"),
      ("feature-sg", "yes"),
    ] as [(String, String?)])
  func nonsense(node: String, value: String?) {
    var nodes = single
    nodes[node] = value
    #expect(throws: NetRingParametersError.self) { try read(nodes) }
  }

  private func read(_ nodes: [String: String]) throws -> NetRingParameters {
    try NetRingParameters(
      values: NetRingParameters.nodes(queueCountMax: 4).map { nodes[$0] },
      frontendDomain: DomainIdentifier(rawValue: 3), queueCountMax: 4)
  }
}
