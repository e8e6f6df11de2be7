import RingTransport
import Testing

@testable import BlockBackend

/// What a frontend may write about its ring, and what not.
struct RingParametersTests {
  @Test func onePage() throws {
    let parameters = try judge(["event-channel": "7", "ring-ref": "8"])
    #expect(parameters.abi == .x86Bits32, "a frontend that says nothing is that old")
    #expect(parameters.port.rawValue == 7)
    #expect(parameters.references.map(\.rawValue) == [8])
  }

  @Test func onePageAsAList() throws {
    for order in [nil, "0"] {
      let parameters = try judge([
        "protocol": "x86_64-abi", "event-channel": "1", "ring-ref0": "9",
        "ring-page-order": order,
      ])
      #expect(parameters.references.map(\.rawValue) == [9])
      #expect(parameters.abi == .x86Bits64)
    }
  }

  @Test(arguments: 1...4)
  func severalPages(order: Int) throws {
    var nodes = ["event-channel": "1", "ring-page-order": "\(order)", "ring-ref": "5"]
    for page in 0..<16 { nodes["ring-ref\(page)"] = "\(100 + page)" }
    let expected = (0..<(1 << order)).map { UInt32(100 + $0) }
    #expect(try judge(nodes).references.map(\.rawValue) == expected)
    nodes["ring-ref\((1 << order) - 1)"] = nil
    expect("ring-ref\((1 << order) - 1)", nodes)
  }

  @Test func oneQueueOnly() throws {
    var nodes = ["event-channel": "1", "ring-ref": "5", "multi-queue-num-queues": "1"]
    #expect(try judge(nodes).references.count == 1)
    for text in ["0", "2", "x", ""] {
      nodes["multi-queue-num-queues"] = text
      expect("multi-queue-num-queues", nodes)
    }
  }

  @Test(arguments: ["5", "31", "32", "64", "4294967295", "4294967296", "-1", "x", "", " 1"])
  func impossibleOrders(order: String) {
    expect(
      "ring-page-order", ["event-channel": "1", "ring-ref": "5", "ring-page-order": order])
  }

  @Test(arguments: ["", "x", "-1", "4294967296", "1 ", "0x10", "1\n", "99999999999999999999"])
  func impossibleNumbers(text: String) {
    expect("event-channel", ["event-channel": text, "ring-ref": "5"])
    expect("ring-ref", ["event-channel": "1", "ring-ref": text])
  }

  @Test func missingNodes() {
    expect("event-channel", ["ring-ref": "5"])
    expect("ring-ref", ["event-channel": "5"])
    expect("protocol", ["protocol": "sparc-abi", "event-channel": "1", "ring-ref": "5"])
  }

  /// A guest's text reaches the log only in part.
  @Test func errorsQuoteLittle() {
    let text = String(repeating: "A", count: 4000)
    do {
      _ = try judge(["event-channel": text])
      Issue.record("accepted")
    } catch {
      #expect("\(error)".utf8.count < 100)
    }
  }

  private func judge(_ nodes: [String: String?]) throws -> RingParameters {
    try RingParameters(values: RingParameters.nodes.map { nodes[$0] ?? nil })
  }

  private func expect(
    _ node: String, _ nodes: [String: String?],
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(
      throws: RingParametersError.bad(node: node, value: nodes[node] ?? nil),
      sourceLocation: location
    ) { try judge(nodes) }
  }
}
