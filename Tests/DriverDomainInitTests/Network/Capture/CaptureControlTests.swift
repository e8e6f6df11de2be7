import Testing

@testable import DriverDomainInit

@Suite struct CaptureControlTests {
  private var control = CaptureControl(directories: ["/v"])
  private let interfaces = (0..<8).map { "vif\($0).0" }

  private mutating func want(
    _ nodes: [String: String], now: UInt64 = 0
  ) -> [CaptureControl.Action] {
    control.handle(.wanted(nodes, interfaces: interfaces), now: now)
  }

  private func result(_ node: String) -> String? {
    control.results.first { $0.node == node }?.text
  }

  private func start(_ node: String, _ file: String) throws -> CaptureControl.Action {
    let interface = String(node.map { $0 == "-" ? "." : $0 })
    return .start(node, try CaptureOrder(file, interface: interface, directories: nil))
  }

  private mutating func run(_ node: String, _ process: Int32) throws {
    #expect(want([node: "/v/a"]) == [try start(node, "/v/a")])
    #expect(control.handle(.started(node, process: process), now: 0) == [])
  }

  @Test mutating func captureRunsUntilItsNodeGoes() throws {
    try run("vif2-0", 100)
    #expect(result("vif2-0") == "running: /v/a")
    #expect(control.file(of: 100) == "/v/a")
    #expect(want(["vif2-0": "/v/a"]) == [])
    #expect(want([:], now: 50) == [.terminate(process: 100)])
    #expect(!control.isIdle)
    #expect(want([:], now: 60) == [])
    let end = CaptureControl.Event.exited(process: 100, end: .exited(code: 0), byteCount: 24)
    #expect(control.handle(end, now: 70) == [])
    #expect(result("vif2-0") == "finished: /v/a, 24 bytes")
    #expect(control.isIdle)
    #expect(control.nextDeadline == nil)
    // The same again is a new order.
    #expect(want(["vif2-0": "/v/a"]) == [try start("vif2-0", "/v/a")])
  }

  @Test mutating func endOfItsOwnIsNotRepeated() throws {
    try run("vif2-0", 100)
    let end = CaptureControl.Event.exited(process: 100, end: .killed(signal: 11), byteCount: nil)
    #expect(control.handle(end, now: 0) == [])
    #expect(result("vif2-0") == "failed: /v/a: signal 11; see the log")
    #expect(want(["vif2-0": "/v/a"]) == [])
    #expect(want(["vif2-0": "/v/b"]) == [try start("vif2-0", "/v/b")])
  }

  @Test mutating func otherTextIsAnotherCapture() throws {
    try run("vif2-0", 100)
    #expect(want(["vif2-0": "/v/b 7"]) == [.terminate(process: 100)])
    let end = CaptureControl.Event.exited(process: 100, end: .exited(code: 0), byteCount: 1)
    #expect(control.handle(end, now: 0) == [try start("vif2-0", "/v/b 7")])
  }

  @Test mutating func whatDoesNotEndIsKilled() throws {
    try run("vif2-0", 100)
    _ = want([:], now: 1000)
    let deadline = 1000 + CaptureControl.terminationMilliseconds
    #expect(control.nextDeadline == deadline)
    #expect(control.handle(.timeReached, now: deadline - 1) == [])
    #expect(control.handle(.timeReached, now: deadline) == [.kill(process: 100)])
    #expect(control.nextDeadline == nil)
  }

  @Test mutating func numberIsBounded() {
    let nodes = Dictionary(
      uniqueKeysWithValues: (0..<6).map { ("vif\($0)-0", "/v/\($0)") })
    #expect(want(nodes).count == CaptureControl.captureCountMax)
    #expect(result("vif5-0") == "refused: there are 4 captures already")
    #expect(control.handle(.startFailed("vif0-0", reason: "no"), now: 0) == [])
    #expect(result("vif0-0") == "failed: no")
  }

  @Test mutating func refusalsAreAnsweredOnce() {
    #expect(want(["vif2-0": "/etc/a", "eth9": "/v/a"]) == [])
    #expect(result("vif2-0") == "refused: '/etc/a' is on no volume that is mounted for writing")
    #expect(result("eth9") == "refused: there is no network interface of that name")
    #expect(want(["vif2-0": "/etc/a"]) == [])
    let many = Dictionary(uniqueKeysWithValues: (0..<100).map { ("x\($0)", "/v/a") })
    #expect(want(many) == [])
    #expect(control.results.count <= CaptureControl.resultCountMax)
  }

  @Test mutating func strangersAreNotOurBusiness() {
    #expect(control.handle(.started("x", process: 5), now: 0) == [.kill(process: 5)])
    let end = CaptureControl.Event.exited(process: 6, end: .exited(code: 0), byteCount: nil)
    #expect(control.handle(end, now: 0) == [])
    #expect(control.results.isEmpty)
  }
}
