import Testing

@testable import DriverDomainControl

@Suite struct ControlArgumentsTests {
  private func parse(_ words: String...) -> ControlArguments {
    ControlArguments.parse(["ddctl"] + words)
  }

  @Test func commands() {
    #expect(parse("run", "disk.cfg") == .run(file: "disk.cfg"))
    #expect(parse("restart", "disk") == .restart(name: "disk"))
    #expect(
      parse("upgrade", "disk", "--image", "/new") == .upgrade(name: "disk", directory: "/new"))
    #expect(parse("status") == .status)
    #expect(parse("logs", "disk") == .logs(name: "disk", follows: false))
    #expect(parse("logs", "-f", "disk") == .logs(name: "disk", follows: true))
    #expect(parse("--version") == .version)
    #expect(parse("run", "--help") == .help)
  }

  @Test func mistakes() {
    for words in [
      [], ["walk"], ["run"], ["restart"], ["restart", "a/b"], ["status", "disk"],
      ["upgrade", "disk", "--image", "new"], ["upgrade", "disk"], ["logs"],
    ] {
      guard case .wrong = ControlArguments.parse(["ddctl"] + words) else {
        Issue.record("\(words) is accepted")
        continue
      }
    }
  }
}
