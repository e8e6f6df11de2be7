import Logging
import RingTransport
import SimulatedXen
import Testing

@testable import DriverDomainControl

/// Copies of leaves and leaves from copies, over a simulated xenstored.
@Suite struct RebuilderTests {
  let world = RestartWorld()
  let rebuilder = Rebuilder(
    driverDomain: RestartWorld.driverDomain, paths: KeeperPaths(name: RestartWorld.name),
    log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

  init() {
    #expect(world.create())
    world.connectGuests()
  }

  private func copies() -> [String] {
    world.store.tree(below: KeeperPaths(name: RestartWorld.name).promises)
  }

  @Test func copiesFollowTheLeaves() throws {
    var store = Store(world.store.connect(as: .dom0))
    try rebuilder.remember(in: &store)
    let path = world.devices[0].backendPath
    #expect(copies().contains { $0.contains("vbd/7/51712/sectors = \"1000\"") })
    world.store.write(path.appending("sectors"), "2000", as: RestartWorld.driverDomain)
    world.store.write(path.appending("info"), nil, as: RestartWorld.driverDomain)
    try rebuilder.remember(in: &store)
    #expect(copies().contains { $0.contains("vbd/7/51712/sectors = \"2000\"") })
    #expect(!copies().contains { $0.contains("vbd/7/51712/info") })
  }

  /// The driver domain could read other guests' nodes there, and write what Dom0 believes.
  @Test func copiesAreDom0s() throws {
    var store = Store(world.store.connect(as: .dom0))
    try rebuilder.remember(in: &store)
    #expect(!copies().isEmpty)
    for line in copies() { #expect(line.hasSuffix("(n0)"), "\(line)") }
  }

  @Test func aCopyStaysUntilTheDeviceGoes() throws {
    var store = Store(world.store.connect(as: .dom0))
    try rebuilder.remember(in: &store)
    // `xl destroy` of the driver domain removes its leaves first, while it still runs.
    world.store.write(world.directory.appending("backend"), nil)
    try rebuilder.remember(in: &store)
    #expect(copies().contains { $0.contains("vbd/7/51712/sectors") })
    world.destroyGuest(7)
    try rebuilder.remember(in: &store)
    #expect(!copies().contains { $0.contains("vbd/7") })
    #expect(copies().contains { $0.contains("vbd/8/51712/sectors") })
  }

  /// Its copies stay whole, whenever in the middle of the reading the leaves go.
  @Test(arguments: 1...60)
  func aLeafThatGoesWhileItIsReadLeavesItsCopyAlone(request: Int) throws {
    var store = Store(world.store.connect(as: .dom0))
    try rebuilder.remember(in: &store)
    let before = copies()
    let connection = world.store.connect(as: .dom0)
    var count = 0
    connection.connection.beforeAnswering = { [world] _ in
      count += 1
      if count == request { world.store.write(world.directory.appending("backend"), nil) }
      return true
    }
    var disturbed = Store(connection)
    try rebuilder.remember(in: &disturbed)
    #expect(copies() == before)
  }

  @Test func aGuestWithoutEndKeepsNobodyElseWaiting() throws {
    var store = Store(world.store.connect(as: .dom0))
    try rebuilder.remember(in: &store)
    world.store.write(world.directory.appending("backend"), nil)
    let connection = world.store.connect(as: .dom0)
    // At every request the guest removes its directory or makes it again.
    let frontend = world.devices[0].frontendPath
    let guest = world.devices[0].guest
    var isThere = true
    connection.connection.beforeAnswering = { [world] _ in
      isThere.toggle()
      if isThere {
        world.store.commit { $0.makeDirectory(frontend, [.init(.none, guest)]) }
        world.store.write(frontend.appending("state"), "4")
      } else {
        world.store.write(frontend, nil)
      }
      return true
    }
    var hostile = Store(connection)
    let outcome = try rebuilder.rebuild(in: &hostile)
    #expect(outcome.rebuilt.count + outcome.dropped.count == 3)
    #expect(outcome.rebuilt.contains { $0.kind == .virtualInterface })
    #expect(world.store.read(world.devices[1].backendPath.appending("state")) == "4")
  }

  @Test func anothersDevicesAreNotOurs() throws {
    let other = SimulatedXen.Toolstack.Device(
      .disk, guest: DomainIdentifier(rawValue: 7), device: 51728,
      backendDomain: DomainIdentifier(rawValue: 5))
    world.store.introduce(other.backendDomain)
    world.toolstack.attachDisk(other, target: "/dev/vdb")
    var store = Store(world.store.connect(as: .dom0))
    let devices = try store.guestDevices(of: RestartWorld.driverDomain)
    #expect(devices.count == 3)
    #expect(!devices.contains { $0.leaf.device == 51728 })
  }

  @Test func manyNodesOfADriverDomainAreNotCopied() throws {
    world.store.quota.nodeCountMax = 100_000
    let path = world.devices[0].backendPath
    for index in 0..<500 {
      world.store.write(
        path.appending("feature-\(index)"), "1", as: RestartWorld.driverDomain)
    }
    var store = Store(world.store.connect(as: .dom0))
    try rebuilder.remember(in: &store)
    let count = copies().count { $0.contains("vbd/7/51712/") }
    #expect(count <= LeafContents.nodeCountMax)
  }
}
