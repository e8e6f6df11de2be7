import Testing

@testable import DriverDomainInit

@Suite struct DeviceLinksTests {
  private func partition(_ name: String, label: String, identifier: String) -> BlockDevice {
    BlockDevice(
      name: name, byteCount: 512,
      partition: .init(number: 1, identifier: identifier, label: label))
  }

  @Test func nameThatTwoDevicesClaimLeadsNowhere() {
    let plan = DeviceLinks.plan(for: [
      partition("vda1", label: "guest", identifier: "a-1"),
      partition("vdb1", label: "guest", identifier: "b-1"),
    ])
    #expect(plan.targets == ["by-partuuid/a-1": "vda1", "by-partuuid/b-1": "vdb1"])
    #expect(plan.ambiguous == ["by-partlabel/guest"])
  }

  @Test func linksAreMadeChangedAndRemoved() throws {
    let directory = try TemporaryDirectory()
    let links = DeviceLinks(deviceDirectory: directory.path)
    let disk = directory.path + "/disk"
    let first = DeviceLinks.plan(for: [partition("vda1", label: "x", identifier: "a-1")])
    #expect(links.apply(first).isEmpty)
    #expect(Files.linkTarget(disk + "/by-partlabel/x") == "../../vda1")
    #expect(Files.linkTarget(disk + "/by-partuuid/a-1") == "../../vda1")
    let second = DeviceLinks.plan(for: [partition("vdb1", label: "x", identifier: "b-1")])
    #expect(links.apply(second).isEmpty)
    #expect(Files.linkTarget(disk + "/by-partlabel/x") == "../../vdb1")
    #expect(Files.names(in: disk + "/by-partuuid") == ["b-1"])
    #expect(links.apply(DeviceLinks.Plan()).isEmpty)
    for name in DeviceLinks.directories { #expect(Files.names(in: "\(disk)/\(name)").isEmpty) }
  }

  @Test func directoryThatCannotBeMadeIsReported() throws {
    let directory = try TemporaryDirectory()
    try directory.write("", to: "disk")
    let links = DeviceLinks(deviceDirectory: directory.path)
    #expect(links.apply(DeviceLinks.Plan()).count == 3)
  }

  @Test func onlyBlockEventsOfTheKernelMatter() {
    let event = { (text: String) in Array(text.utf8)[...] }
    #expect(DeviceEvents.concernsBlock(event("add@/d/vda\0ACTION=add\0SUBSYSTEM=block\0")))
    #expect(!DeviceEvents.concernsBlock(event("add@/d/x\0SUBSYSTEM=block_x\0")))
    #expect(!DeviceEvents.concernsBlock(event("add@/d/x\0NAME=SUBSYSTEM=block\0")))
    #expect(!DeviceEvents.concernsBlock([]))
  }
}
