import RingTransport
import SimulatedXen
import Testing

/// Network interfaces of the simulated libxl.
@Suite struct ToolstackInterfaceTests {
  let store = SimulatedXenStore()
  let interface = Toolstack.Device(
    .interface, guest: DomainIdentifier(rawValue: 7), device: 0,
    backendDomain: DomainIdentifier(rawValue: 5))

  init() {
    store.introduce(interface.guest)
    store.introduce(interface.backendDomain)
  }

  private func setState(_ value: String?) {
    let path = interface.backendPath
    store.write(
      value == nil ? path : path.appending("state"), value, as: interface.backendDomain)
  }

  @Test func attachWritesWhatLibxlWrites() {
    let toolstack = Toolstack(store)
    toolstack.attachInterface(interface)
    let own = "(n5,r7)"
    #expect(
      store.tree(below: interface.backendPath)
        == [
          "= \"\"", "/bridge = \"xenbr0\"", "/frontend = \"/local/domain/7/device/vif/0\"",
          "/frontend-id = \"7\"", "/handle = \"0\"", "/hotplug-status = \"\"",
          "/mac = \"00:16:3e:00:00:02\"", "/online = \"1\"",
          "/script = \"/etc/xen/scripts/vif-bridge\"", "/state = \"1\"", "/type = \"vif\"",
        ].map { "/local/domain/5/backend/vif/7/0\($0.hasPrefix("/") ? "" : " ")\($0) \(own)" })
    #expect(
      store.tree(below: interface.frontendPath)
        == [
          " = \"\" (n7,r5)", "/backend = \"/local/domain/5/backend/vif/7/0\" (n7,r5)",
          "/backend-id = \"5\" (n7,r5)", "/handle = \"0\" (n7,r5)",
          "/mac = \"00:16:3e:00:00:02\" (n7,r5)", "/mtu = \"1500\" (n5,r7)",
          "/state = \"1\" (n7,r5)", "/trusted = \"1\" (n7,r5)",
        ].map { "/local/domain/7/device/vif/0\($0)" })
  }

  @Test func whatIsNotConfiguredIsNotWritten() {
    let toolstack = Toolstack(store)
    var configuration = Toolstack.InterfaceConfiguration()
    configuration.ip = "10.0.0.7"
    configuration.name = "web"
    configuration.rate = (byteCount: 1_250_000, microseconds: 50_000)
    configuration.mtu = 9000
    toolstack.attachInterface(interface, configuration)
    let nodes = ["ip": "10.0.0.7", "vifname": "web", "rate": "1250000,50000", "mtu": "9000"]
    for (name, value) in nodes {
      #expect(store.read(interface.backendPath.appending(name)) == value)
    }
    #expect(store.read(interface.frontendPath.appending("mtu"), as: interface.guest) == "9000")
  }

  @Test func detachAndDestroyAreTheSameAsForDisks() {
    let toolstack = Toolstack(store)
    let disk = Toolstack.Device(
      guest: interface.guest, device: 51712, backendDomain: interface.backendDomain)
    toolstack.attachInterface(interface)
    toolstack.attachDisk(disk, target: "/dev/vda1")
    setState("2")
    toolstack.process()
    #expect(toolstack.outcome(interface) == .attached)
    toolstack.detach(interface)
    #expect(store.read(interface.backendPath.appending("online")) == "0")
    #expect(store.read(interface.backendPath.appending("state")) == "5")
    setState("6")
    toolstack.process()
    #expect(toolstack.outcome(interface) == .waitsForRemoval)
    setState(nil)
    toolstack.process()
    #expect(toolstack.outcome(interface) == .removed)
    #expect(store.tree().filter { $0.contains("vif") } == [])
    #expect(store.read(disk.backendPath.appending("online")) == "1")
  }

  /// The node that belongs to the driver domain goes with it, though it lies in the guest's part.
  @Test func aDeadDriverDomainTakesItsNodesAlong() {
    let toolstack = Toolstack(store)
    toolstack.attachInterface(interface)
    store.release(interface.backendDomain)
    #expect(store.read(interface.backendPath) == nil)
    #expect(store.read(interface.frontendPath.appending("mtu")) == nil)
    #expect(store.read(interface.frontendPath.appending("mac")) != nil)
  }
}
