import RingTransport
import Testing

@testable import DriverDomainControl

@Suite struct KeeperConfigurationTests {
  private func parse(_ text: String) throws -> KeeperConfiguration {
    try KeeperConfiguration(text: text)
  }

  @Test func readsItsKeysAmongThoseOfXL() throws {
    let configuration = try parse(
      """
      # name = "comment"
      name    = "disk"
      ddctl_domid = 30001
      kernel  = '/images/disk/vmlinux'
      ramdisk="/images/disk/initrd"
      pci     = [ "0000:03:00.0" ]
      extra   = "console=hvc0 name=other ddctl_domid=3"
      ddctl_ready_seconds = 5   # comment
      """)
    #expect(configuration.name == "disk")
    #expect(configuration.domain == DomainIdentifier(rawValue: 30_001))
    #expect(configuration.kernel == "/images/disk/vmlinux")
    #expect(configuration.ramdisk == "/images/disk/initrd")
    #expect(configuration.readySeconds == 5)
  }

  @Test func numbersAreChecked() {
    for value in ["0", "32752", "65536", "x", "-1", "1e3"] {
      #expect(throws: KeeperConfigurationError.wrongNumber(key: "ddctl_domid", value: value)) {
        try parse("name = \"disk\"\nddctl_domid = \(value)")
      }
    }
  }

  @Test func namesAreNamesOfNodes() {
    for name in ["a/b", "a b", "a.b", "ä"] {
      #expect(throws: KeeperConfigurationError.unusableName(name)) {
        try parse("name = \"\(name)\"")
      }
    }
    #expect(throws: KeeperConfigurationError.missingName) { try parse("type = \"pv\"") }
  }

  @Test func unknownKeysOfOursAreErrors() {
    #expect(throws: KeeperConfigurationError.unknownKey("ddctl_domain")) {
      try parse("name = \"disk\"\nddctl_domain = 7")
    }
  }
}
