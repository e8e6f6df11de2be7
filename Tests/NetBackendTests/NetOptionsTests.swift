import RingTransport
import Testing

@testable import NetBackend

struct NetOptionsTests {
  @Test func whatAProcessIsTold() {
    let leaf = ["--path", "backend/vif/2/0"]
    let all = NetOptions.read(
      leaf + [
        "--uplink", "tap:vif2.0", "--filter", "not port 25", "--unusable", "no bridge",
        "--queues", "8",
      ]
    ).options
    #expect(all.uplink == .tap("vif2.0"))
    #expect(all.filter == "not port 25")
    #expect(all.unusable == "no bridge")
    #expect(all.queueCountMax == 8)
  }

  @Test(arguments: [
    ["--uplink", "vif2.0"], ["--uplink"], ["--filter"], ["--unusable"], ["--queues", "0"],
    ["--queues", "9"], ["--queues"], ["--queue", "1"],
  ])
  func nonsense(arguments: [String]) {
    let mode = NetOptions.read(["--path", "backend/vif/2/0"] + arguments).mode
    guard case .wrong(_) = mode else {
      Issue.record("\(mode)")
      return
    }
  }
}
