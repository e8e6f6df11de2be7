import SystemPackage
import Testing

@testable import DriverDomainControl

@Suite struct DomainDescriptionTests {
  @Test func theObjectIsTaken() {
    let output = "a line\n{\"c_info\": {\"name\": \"disk\"}}\n"
    #expect(DomainDescription(output: output)?.text == "{\"c_info\": {\"name\": \"disk\"}}")
  }

  @Test(arguments: ["", "no object", "}{"])
  func anythingElseIsNone(_ output: String) {
    #expect(DomainDescription(output: output) == nil)
  }

  @Test func commandsTellTheirOutputAndStatus() throws {
    let outcome = try Command(["sh", "-c", "echo text; exit 3"]).run()
    #expect(outcome == Command.Outcome(status: 3, output: "text\n"))
    let killed = try Command(["sh", "-c", "kill -9 $$"]).run()
    #expect(killed.status == 137)
    #expect(throws: Errno.noSuchFileOrDirectory) { try Command(["/nowhere/program"]).run() }
  }
}
