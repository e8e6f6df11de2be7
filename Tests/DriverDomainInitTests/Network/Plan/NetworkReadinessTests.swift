import Testing

@testable import DriverDomainInit

@Suite struct NetworkReadinessTests {
  private func readiness(_ words: String, choosesUplink: Bool = true) -> NetworkReadiness {
    let options = words.split(separator: " ").map { "driver_domain.\($0)" }
    let network = Configuration.parse(options.joined(separator: " ")).configuration.network
    return NetworkReadiness(network, choosesUplink: choosesUplink, waitSeconds: 10, now: 1000)
  }

  private func nic(_ name: String) -> Link { Link(index: 2, name: name) }

  @Test func waitsForAnyNICByDefault() {
    var readiness = readiness("")
    #expect(readiness.nextDeadline == 11_000)
    readiness.update(links: [Link(index: 1, name: "lo", isEthernet: false)], now: 2000)
    #expect(!readiness.isSettled)
    readiness.update(links: [nic("eth5")], now: 3000)
    #expect(readiness.isSettled)
    #expect(readiness.nextDeadline == nil)
    #expect(readiness.problems.isEmpty)
  }

  @Test func whatIsNotThereInTimeIsAProblemUntilItComes() {
    var readiness = readiness("bridge=b:eth0,eth1 uplink=f:packet:eth2")
    readiness.update(links: [nic("eth1")], now: 10_999)
    #expect(readiness.problems.isEmpty)
    readiness.update(links: [nic("eth1")], now: 11_000)
    #expect(readiness.isSettled)
    #expect(
      readiness.problems == [
        "network interface eth0: did not appear in time",
        "network interface eth2: did not appear in time",
      ])
    readiness.update(links: [nic("eth0"), nic("eth1"), nic("eth2")], now: 20_000)
    #expect(readiness.problems.isEmpty)
    #expect(readiness.isSettled)
  }

  @Test func nothingToWaitForSettlesAtOnce() {
    #expect(readiness("bridge=inside:").isSettled)
    #expect(readiness("", choosesUplink: false).isSettled)
  }
}
