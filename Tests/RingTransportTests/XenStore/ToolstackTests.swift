import RingTransport
import SimulatedXen
import Testing

/// The simulated libxl: that it is as unforgiving as the real one.
@Suite struct ToolstackTests {
  let store = SimulatedXenStore()
  let disk = Toolstack.Disk(
    guest: DomainIdentifier(rawValue: 7), device: 51712,
    backendDomain: DomainIdentifier(rawValue: 5))

  init() {
    store.introduce(disk.guest)
    store.introduce(disk.backendDomain)
  }

  private func setState(_ value: String?) {
    let path = disk.backendPath
    store.write(
      value == nil ? path : path.appending("state"), value, as: disk.backendDomain)
  }

  @Test func attachCreatesWhatTheBackendMayWrite() {
    let toolstack = Toolstack(store)
    toolstack.attachDisk(disk, target: "/dev/vda1")
    let path = disk.backendPath
    let own: [XenStorePermission] = [.init(.none, disk.backendDomain), .init(.read, disk.guest)]
    #expect(store.permissions(path) == own)
    #expect(store.permissions(path.appending("params")) == store.permissions(path))
    #expect(store.read(path.appending("params"), as: disk.guest) == "/dev/vda1")
    // The directories above are Dom0's: the backend may list them, and no more.
    let owners: [XenStorePermission] = [.init(.none, .dom0), .init(.read, disk.backendDomain)]
    #expect(path.parent.flatMap { store.permissions($0) } == owners)
  }

  @Test func onlyStateTwoAtTheTimeOfReadingCountsAsAttached() {
    let toolstack = Toolstack(store)
    toolstack.attachDisk(disk, target: "/dev/vda1")
    toolstack.process()
    setState("2")
    setState("4")
    toolstack.process()
    #expect(toolstack.outcome(disk) == .waitsForInitWait)
    setState("2")
    toolstack.process()
    #expect(toolstack.outcome(disk) == .attached)
  }

  @Test func detachWantsSixAndThenNoLeaf() {
    let toolstack = attached()
    toolstack.detachDisk(disk)
    #expect(store.read(disk.backendPath.appending("online")) == "0")
    toolstack.process()
    setState("6")
    toolstack.process()
    #expect(toolstack.outcome(disk) == .waitsForRemoval)
    setState(nil)
    toolstack.process()
    #expect(toolstack.outcome(disk) == .removed)
    #expect(store.tree().filter { $0.contains("vbd") } == [])
  }

  @Test func aLeafRemovedBeforeSixIsReadIsAnError() {
    let toolstack = attached()
    toolstack.detachDisk(disk)
    toolstack.process()
    setState("6")
    setState(nil)
    toolstack.process()
    #expect(toolstack.outcome(disk) == .failed("wanted state 6 but it was removed"))
  }

  @Test func destroyRemovesTheFrontendInTheSameCommit() {
    let toolstack = attached()
    var frontends: [String?] = []
    store.observe(disk.backendPath.appending("state")) { [unowned store, disk] _ in
      frontends.append(store.read(disk.frontendPath))
    }
    toolstack.destroyGuest(disk.guest)
    #expect(frontends == ["", nil])
    setState("6")
    toolstack.process()
    setState(nil)
    toolstack.process()
    toolstack.finishDestruction(of: disk.guest)
    #expect(store.tree().filter { $0.contains("/7") } == [])
  }

  @Test func aDeadDriverDomainTakesItsLeavesAlong() {
    let toolstack = attached()
    store.release(disk.backendDomain)
    #expect(store.read(disk.backendPath) == nil)
    toolstack.detachDisk(disk)
    #expect(toolstack.outcome(disk) == .removed)
  }

  private func attached() -> Toolstack {
    let toolstack = Toolstack(store)
    toolstack.attachDisk(disk, target: "/dev/vda1")
    setState("2")
    toolstack.process()
    return toolstack
  }
}
