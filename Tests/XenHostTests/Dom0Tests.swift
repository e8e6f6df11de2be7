import Testing
import XenHost

extension RealXen {
  @Suite("Dom0")
  struct Dom0Tests {
    @Test("boots Xen 4.17 and reports how a command ended")
    func runsCommands() async throws {
      let dom0 = try await RealXen.host.dom0
      #expect(try await dom0.check("xl info").contains("xen_minor              : 17"))
      #expect(try await dom0.run("echo out; echo err >&2; exit 3").output == "out\nerr")
      #expect(try await dom0.run("exit 3").status == 3)
    }

    @Test("answers with a mebibyte of output, byte for byte")
    func answersAtLength() async throws {
      let dom0 = try await RealXen.host.dom0
      let command = "head -c 1048576 /dev/urandom | tee /tmp/noise; rm -f /tmp/seen"
      let result = try await dom0.run(command)
      #expect(result.bytes.count == 1_048_576)
      try await dom0.writeFile("/tmp/seen", result.bytes)
      try await dom0.check("cmp /tmp/noise /tmp/seen && rm /tmp/noise /tmp/seen")
    }

    @Test("runs commands side by side")
    func runsTogether() async throws {
      let dom0 = try await RealXen.host.dom0
      try await dom0.check("mkfifo /tmp/meeting")
      async let reader = dom0.check("cat /tmp/meeting")
      try await dom0.check("echo met >/tmp/meeting")
      #expect(try await reader == "met")
    }

    @Test("kills a command that exceeds its limit")
    func killsLateCommand() async throws {
      let dom0 = try await RealXen.host.dom0
      await #expect(throws: XenHostError.self) {
        try await dom0.run("echo $$ >/tmp/late; sleep 1000", timeout: .seconds(2))
      }
      // The command's whole session is gone, in its own time.
      try await dom0.check("while kill -0 $(cat /tmp/late) 2>/dev/null; do usleep 10000; done")
    }

    @Test("waits for XenStore nodes")
    func waitsForXenStore() async throws {
      let host = try await RealXen.host
      async let seen = host.waitForXenStore("/test/node", value: "two")
      try await host.dom0.check("xenstore-write /test/node one; xenstore-write /test/node two")
      let value = try await seen
      #expect(value == "two")
      async let removed: Void = host.waitForXenStoreRemoval("/test/node")
      try await host.dom0.check("xenstore-rm /test")
      try await removed
      #expect(try await host.readXenStore("/test/node") == nil)
    }
  }
}
