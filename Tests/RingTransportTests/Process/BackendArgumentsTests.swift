import Logging
import RingTransport
import Testing

struct BackendArgumentsTests {
  @Test func everyOption() throws {
    let arguments = read([
      "--log-level", "debug", "--path", "backend/vif/2/0", "--size", "7", "--xenstore", "/x",
    ])
    #expect(arguments.mode == .serve(try #require(BackendLeaf("backend/vif/2/0"))))
    #expect(arguments.logLevel == .debug)
    #expect(arguments.xenStoreSocket == "/x")
    #expect(arguments.options == 7)
  }

  @Test func aStatusPage() throws {
    let arguments = read(["--status-descriptor", "3", "--path", "backend/vif/2/0"])
    #expect(arguments.mode == .serve(try #require(BackendLeaf("backend/vif/2/0"))))
    #expect(arguments.statusDescriptor == 3)
    #expect(read(["--path", "backend/vif/2/0"]).statusDescriptor == nil)
  }

  @Test func theSandboxIsOnUnlessSaid() {
    #expect(read(["--path", "backend/vif/2/0"]).isSandboxed)
    #expect(read(["--sandbox", "on", "--path", "backend/vif/2/0"]).isSandboxed)
    let without = read(["--sandbox", "off", "--path", "backend/vif/2/0"])
    #expect(!without.isSandboxed)
    #expect(without.lasting.prefix(2) == ["--sandbox", "off"])
    guard case .wrong = read(["--sandbox", "no"]).mode else {
      Issue.record("taken")
      return
    }
  }

  /// A spare becomes something that has all of its arguments but those that made it a spare.
  @Test func aSpare() {
    let arguments = read([
      "--size", "7", "--spare", "--log-level", "debug", "--orders-descriptor", "4",
      "--status-descriptor", "3", "--xenstore", "/x",
    ])
    #expect(arguments.mode == .spare(ordersDescriptor: 4))
    #expect(
      arguments.lasting == ["--size", "7", "--log-level", "debug", "--xenstore", "/x"])
  }

  @Test func aTemplate() {
    let arguments = read(["--template", "--orders-descriptor", "4", "--size", "7"])
    #expect(arguments.mode == .template(requestsDescriptor: 4))
    #expect(arguments.lasting == ["--size", "7"])
  }

  @Test func informationComesFirst() {
    #expect(read(["--path", "backend/vif/2/0", "--help", "--nonsense"]).mode == .help)
    #expect(read(["--version"]).mode == .version)
  }

  @Test(arguments: [
    ([], "--path is missing"),
    (["--path"], "--path needs"),
    (["--path", "backend/vbd/2/51712"], "--path needs a leaf such as backend/vif/2/0"),
    (["--path", "nonsense"], "--path needs"),
    (["--log-level", "loud"], "--log-level needs one of"),
    (["--xenstore", "relative"], "absolute path"),
    (["--size", "many"], "--size needs a number"),
    (["--nonsense"], "unknown argument '--nonsense'"),
    (["--spare"], "--orders-descriptor goes with either"),
    (["--orders-descriptor", "4"], "--orders-descriptor goes with either"),
    (["--orders-descriptor", "-1", "--spare"], "needs the number of an open descriptor"),
    (["--template"], "--orders-descriptor goes with either"),
    (["--template", "--spare", "--orders-descriptor", "4"], "goes with either"),
    (["--status-descriptor"], "needs the number of an open descriptor"),
    (
      ["--path", "backend/vif/2/0", "--spare", "--orders-descriptor", "4"],
      "--path goes with none"
    ),
  ])
  func wrongOnes(arguments: [String], text: String) {
    guard case .wrong(let reason) = read(arguments).mode else {
      Issue.record("taken: \(arguments)")
      return
    }
    #expect(reason.contains(text))
  }

  private func read(_ arguments: [String]) -> BackendArguments<Int> {
    BackendArguments(
      arguments, options: 0, example: "backend/vif/2/0", accepts: { !$0.isDisk }
    ) { options, argument, value in
      guard argument == "--size" else { return .unknown }
      guard let number = value().flatMap({ Int($0) }) else {
        return .wrong("--size needs a number")
      }
      options = number
      return .taken
    }
  }
}
