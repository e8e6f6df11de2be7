import Testing
import XenHost

extension RealXen {
  @Suite("Guests")
  struct GuestTests {
    @Test(
      "boot, answer and shut down",
      arguments: RealXen.isComplete ? [DomainConfiguration.Kind.pv, .pvh] : [.pv])
    func boot(kind: DomainConfiguration.Kind) async throws {
      let host = try await RealXen.host
      let guest = try await host.startGuest(.guest("plain-\(kind)", kind: kind))
      #expect(try await guest.check("uname -r").hasPrefix("6.1.0-"))
      #expect(try await guest.run("exit 7").status == 7)
      try await guest.shutdown()
      #expect(try await !host.listDomains().contains(guest.name))
    }

    @Test(
      "answer at length while the kernel writes to the same console",
      inCompleteRun)
    func answerThroughNoise() async throws {
      let host = try await RealXen.host
      let guest = try await host.startGuest(.guest("noisy"))
      let noise = "for i in $(seq 200); do echo \"<2>noise $i\" >/dev/kmsg; usleep 5000; done"
      async let made = guest.check(noise)
      let numbers = try await guest.run("seq 20000")
      #expect(numbers.lines == (1...20000).map(String.init))
      _ = try await made
      #expect(guest.consoleLog.contains("noise 200"))
      try await guest.destroy()
    }

    @Test(
      "reboot under the same name",
      inCompleteRun)
    func reboot() async throws {
      let host = try await RealXen.host
      let guest = try await host.startGuest(.guest("again"))
      let first = guest.domid
      try await guest.check("touch /first-life")
      try await guest.reboot()
      #expect(guest.domid > first)
      #expect(try await guest.run("test -e /first-life").status == 1)
      try await guest.destroy()
    }

    @Test("report their end to whoever waits for an answer")
    func endUnderCommand() async throws {
      let host = try await RealXen.host
      let guest = try await host.startGuest(.guest("short-lived"))
      let unanswered = Task { try await guest.run("echo waiting >/dev/kmsg; sleep 1000") }
      try await guest.destroy()
      await #expect(throws: XenHostError.self) { try await unanswered.value }
    }
  }
}
