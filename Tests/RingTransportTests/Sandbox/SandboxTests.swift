import Foundation
import Glibc
import SimulatedXen
import Testing

@testable import RingTransport

/// Real processes in the sandbox. Only root can go into one.
@Suite(.enabled(if: getuid() == 0, "giving rights away takes some"), .timeLimit(.minutes(2)))
struct SandboxTests {
  /// What has to be so, by the step that sees to it.
  private func deviations(of probe: ProbeProcess, _ policy: ProbeProcess.Policy) -> Set<String> {
    var found: Set<String> = []
    func expect(_ step: Sandbox.Step, _ isSo: Bool) {
      if !isSo { found.insert(step.rawValue) }
    }
    let user = "1879091724"
    let isOwnNetwork = probe.link("ns/net") != ownLink("ns/net")
    expect(.network, isOwnNetwork == (policy == .network))
    expect(.boundingSet, probe.status("CapBnd") == "0000000000000000")
    expect(.privileges, probe.status("NoNewPrivs") == "1")
    expect(.limits, probe.limit("Max core file size") == ["0", "0"])
    expect(.limits, probe.limit("Max open files") == ["128", "128"])
    expect(.limits, probe.limit("Max processes") == ["64", "64"])
    expect(.root, probe.link("root") == Sandbox.emptyDirectory)
    expect(.root, probe.link("cwd") == Sandbox.emptyDirectory)
    let identities = [user, user, user, user].joined(separator: " ")
    expect(.user, probe.status("Uid") == identities && probe.status("Gid") == identities)
    expect(.user, probe.status("Groups").filter { $0 != " " }.isEmpty)
    for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
      expect(.capabilities, probe.status(name) == "0000000000000000")
    }
    expect(.dumps, owner(of: probe) == 0)
    expect(.filter, probe.status("Seccomp") == "2")
    return found
  }

  private func ownLink(_ name: String) -> String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/\(name)")) ?? ""
  }

  /// A process that cannot be looked into belongs to root, as far as its files in /proc go.
  private func owner(of probe: ProbeProcess) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(
      atPath: "/proc/\(probe.process.processIdentifier)/environ")
    return attributes?[.ownerAccountID] as? Int ?? -1
  }

  @Test(arguments: [ProbeProcess.Policy.block, .network])
  func nothingIsLeft(_ policy: ProbeProcess.Policy) throws {
    let probe = try ProbeProcess(policy, "wait")
    try probe.untilReady()
    #expect(deviations(of: probe, policy) == [])
    #expect(probe.end() == .exit(0))
  }

  /// A step that is left out is seen. Changing the user gives capabilities and dumps away as well,
  /// so that of the three it alone is missed; the others are there for those who become nobody.
  @Test(arguments: Sandbox.Step.allCases)
  func everyStepIsMissed(_ step: Sandbox.Step) throws {
    let probe = try ProbeProcess(.network, omitting: step.rawValue, "wait")
    if step == .privileges {
      // The kernel takes no filter from a process that could gain rights: there is no sandbox.
      #expect(probe.end() == .exit(2))
      return
    }
    try probe.untilReady()
    let expected: Set<String> = step == .capabilities || step == .dumps ? [] : [step.rawValue]
    #expect(deviations(of: probe, .network) == expected)
    #expect(probe.end() == .exit(0))
  }

  @Test(arguments: [ProbeProcess.Policy.block, .network])
  func whatABackendDoesWorks(_ policy: ProbeProcess.Policy) throws {
    #expect(try ProbeProcess.run(policy, "serve") == .exit(0))
    #expect(try ProbeProcess.run(policy, "open-again") == .exit(0))
  }

  @Test func onlyNetworksHaveThreads() throws {
    #expect(try ProbeProcess.run(.network, "thread") == .exit(0))
    #expect(try ProbeProcess.run(.block, "thread") == .signal(SIGSYS))
    #expect(try ProbeProcess.run(.block, "make-ring") == .signal(SIGSYS))
  }

  /// Without the filter each of these works or fails, but nobody is killed.
  @Test(arguments: [
    "execute", "trace", "signal-others", "fork", "map-code", "protect-code", "foreign-ioctl",
    "change-user", "change-root", "duplicate",
  ])
  func otherCallsKill(_ action: String) throws {
    for policy in [ProbeProcess.Policy.block, .network] {
      #expect(try ProbeProcess.run(policy, action) == .signal(SIGSYS), "\(action) \(policy)")
    }
    let free = try ProbeProcess.run(.block, omitting: "filter", action)
    #expect([.exit(0), .exit(1)].contains(free))
  }

  /// libpcap tries these, and has to go on.
  @Test(arguments: ["open-file", "open-socket"])
  func someCallsFail(_ action: String) throws {
    #expect(try ProbeProcess.run(.block, action) == .exit(1))
    #expect(try ProbeProcess.run(.network, action) == .exit(1))
    #expect(try ProbeProcess.run(.block, omitting: "filter", action) == .exit(0))
  }

  /// A filter on a vif may name a host. It is not found, and the process lives.
  @Test func namesAreNotFound() throws {
    #expect(try ProbeProcess.run(.network, "look-up") == .exit(1))
  }

  /// A process that has lost its filter still finds nothing, and reaches nobody.
  @Test(arguments: ["execute", "trace", "signal-others", "change-user", "change-root"])
  func rightsAreGoneWithoutTheFilterToo(_ action: String) throws {
    #expect(try ProbeProcess.run(.block, omitting: "filter", action) == .exit(1))
  }

  @Test func theOpenerOpensOneThing() throws {
    #expect(try ProbeProcess.run(.block, "open-another") == .exit(1))
  }

  @Test func guestsHaveUsersOfTheirOwn() {
    var users: Set<UInt32> = []
    var disks: [UInt32] = []
    for index in 0..<16 as Range<UInt32> { disks.append(51712 + index * 16) }
    for index in 16..<64 as Range<UInt32> { disks.append(1 << 28 | index << 8) }
    for domain in [0, 1, 2, 77, 0x7FEF] as [UInt16] {
      let frontend = DomainIdentifier(rawValue: domain)
      for disk in disks {
        let leaf = BackendLeaf(kind: .virtualBlockDevice, frontendDomain: frontend, device: disk)
        #expect(users.insert(BackendUser(leaf).rawValue).inserted, "\(leaf)")
      }
      for interface in 0..<8 as Range<UInt32> {
        let leaf = BackendLeaf(
          kind: .virtualInterface, frontendDomain: frontend, device: interface)
        #expect(users.insert(BackendUser(leaf).rawValue).inserted, "\(leaf)")
      }
    }
    #expect(users.allSatisfy { (0x7000_0000...0x7FFF_FFFF).contains($0) })
  }

  /// Whatever the numbers: two guests never share a user.
  @Test(arguments: testSeeds(count: 10))
  func usersOfTwoGuestsDiffer(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
      let domains = (0..<2).map { _ in UInt16.random(in: 0..<0x7FF0, using: &generator) }
      guard domains[0] != domains[1] else { continue }
      let users = domains.map { domain in
        let leaf = BackendLeaf(
          kind: BackendLeaf.Kind.allCases.randomElement(using: &generator) ?? .virtualInterface,
          frontendDomain: DomainIdentifier(rawValue: domain),
          device: UInt32.random(in: 0...UInt32.max, using: &generator))
        return BackendUser(leaf).rawValue
      }
      #expect(users[0] != users[1])
    }
  }
}
