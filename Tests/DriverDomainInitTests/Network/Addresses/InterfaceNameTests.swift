import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct InterfaceNameTests {
  @Test func kernelsRulesHold() {
    #expect(InterfaceName.isValid("eth0"))
    #expect(InterfaceName.isValid("123456789012345"))
    for name in ["", ".", "..", "1234567890123456", "a/b", "a:b", "a b", "é", "a\n", "a\u{7F}"] {
      #expect(!InterfaceName.isValid(name), "\(name)")
    }
  }

  @Test func backendEndsAreNamedAfterTheirLeaves() throws {
    let leaf = try #require(BackendLeaf("backend/vif/2/0"))
    #expect(InterfaceName.backendEnd(of: leaf) == "vif2.0")
    #expect(InterfaceName.leaf(ofBackendEnd: "vif2.0") == leaf)
    let long = try #require(BackendLeaf("backend/vif/32751/4294967295"))
    #expect(InterfaceName.backendEnd(of: long) == nil)
    for name in [
      "vif2.0-emu", "vif2", "vif.0", "vif2.", "vif02.0", "tap2.0", "vif2.0.0", "vif99999.0",
    ] {
      #expect(InterfaceName.leaf(ofBackendEnd: name) == nil, "\(name)")
    }
  }

  @Test func nodeNamesHaveNoDots() {
    #expect(InterfaceName.nodeName("vif2.0") == "vif2-0")
    #expect(XenStorePath(InterfaceName.nodeName("eth0.5")) != nil)
  }

  @Test func orderIsThatOfPeople() {
    let names = ["eth10", "eth2", "lan", "eth", "eth0", "enp3s0"]
    #expect(
      names.sorted(by: InterfaceName.precedes) == ["enp3s0", "eth", "eth0", "eth2", "eth10", "lan"])
  }
}
