import RingTransport
import Testing

@testable import BlockBackend

struct BlockOptionsTests {
  @Test func whatAProcessIsTold() {
    let plain = BlockOptions.read(["--path", "backend/vbd/2/51712"])
    #expect(
      plain.options.settings
        == BlockSettings(
          bufferByteCount: 4 << 20, deviceLossNanoseconds: 30_000_000_000, pollMicroseconds: 200))
    let all = BlockOptions.read([
      "--buffer-kib", "8192", "--device-loss-seconds", "0", "--in-order",
      "--poll-microseconds", "50", "--path", "backend/vbd/2/51712",
    ])
    #expect(
      all.options.settings
        == BlockSettings(
          bufferByteCount: 8 << 20, deviceLossNanoseconds: 0, pollMicroseconds: 50,
          isInOrder: true))
  }

  @Test(arguments: [
    ["--device-loss-seconds", "-1"], ["--device-loss-seconds", "3601"],
    ["--device-loss-seconds"], ["--buffer-kib", "5"], ["--buffer-kib"], ["--in-orders"],
    ["--poll-microseconds", "-1"], ["--poll-microseconds", "10001"], ["--poll-microseconds"],
  ])
  func nonsense(arguments: [String]) {
    let mode = BlockOptions.read(["--path", "backend/vbd/2/51712"] + arguments).mode
    guard case .wrong(_) = mode else {
      Issue.record("\(mode)")
      return
    }
  }
}
