import RingTransport
import Testing

@testable import DriverDomainControl

/// What a rebuilt leaf says.
@Suite struct RebuildPlanTests {
  static let driverDomain = DomainIdentifier(rawValue: 30_001)
  static let guest = DomainIdentifier(rawValue: 7)

  private func device(
    _ kind: BackendLeaf.Kind = .virtualBlockDevice, state: XenbusState? = .connected,
    nodes: [String: String] = [
      "params": "/dev/vda1", "mode": "w", "state": "1", "online": "1", "hotplug-status": "",
    ]
  ) -> GuestDevice {
    GuestDevice(
      leaf: BackendLeaf(kind: kind, frontendDomain: Self.guest, device: 0),
      frontend: "/local/domain/7/device/vbd/0", toolstackNodes: nodes, frontendState: state)
  }

  private func contents(_ device: GuestDevice, _ promises: [String: String]?) -> [String: String] {
    let plan = RebuildPlan(
      device, of: Self.driverDomain, promises: promises.map { LeafContents(nodes: $0) },
      isPresent: false)
    return plan.contents?.nodes ?? [:]
  }

  @Test func promisesAreKept() {
    let nodes = contents(
      device(), ["sectors": "1000", "feature-max-indirect-segments": "256", "state": "4"])
    #expect(nodes["sectors"] == "1000")
    #expect(nodes["feature-max-indirect-segments"] == "256")
    #expect(nodes["params"] == "/dev/vda1")
    #expect(nodes["state"] == "4")
  }

  /// A driver domain owns its leaf and may write anything there; after its death it serves what
  /// Dom0 said.
  @Test func dom0SaysWhatIsServed() {
    let nodes = contents(device(), ["params": "/dev/vdb", "mode": "w", "state": "4"])
    #expect(nodes["params"] == "/dev/vda1")
  }

  @Test func whatChangesInTheLeafGoesOn() {
    let nodes = contents(
      device(), ["online": "0", "hotplug-status": "connected", "state": "5"])
    #expect(nodes["online"] == "0")
    #expect(nodes["hotplug-status"] == "connected")
    #expect(nodes["state"] == "5")
  }

  /// The guest's state, the copy's, and the state that the next backend is to find.
  @Test(
    arguments: [
      (XenbusState.connected, XenbusState.connected, XenbusState.connected),
      // Network guests go to 4 before the backend does; and the copy may be one change late.
      (.connected, .initWait, .connected), (.connected, nil, .connected),
      (.connected, .initialising, .connected), (.connected, .unknown, .connected),
      // A detach was under way.
      (.connected, .closing, .closing), (.closing, .closing, .closing),
      (.closed, .closed, .closed), (.closing, .connected, .connected),
      (.initialised, .initWait, .initWait), (.initialised, .connected, .connected),
      (.initialised, nil, .initWait), (.initialising, .initWait, .initWait),
      (.initialising, nil, .initialising), (nil, nil, .initialising),
      (.closing, nil, .closing), (.closed, .unknown, .closing),
    ] as [(XenbusState?, XenbusState?, XenbusState)])
  func states(frontend: XenbusState?, promised: XenbusState?, expected: XenbusState) {
    #expect(RebuildPlan.state(frontend: frontend, promised: promised) == expected)
  }

  /// For most guests 5 and 6 are the end of the device: only who has seen them sees them again.
  @Test func nobodyIsClosedByARebuild() {
    for frontend in XenbusState.allCases where frontend != .closing && frontend != .closed {
      for promised in [nil] + XenbusState.allCases where promised != .closing && promised != .closed
      {
        let state = RebuildPlan.state(frontend: frontend, promised: promised)
        #expect(
          state != .closing && state != .closed, "\(frontend) \(String(describing: promised))")
      }
    }
  }

  @Test func aLeafThatIsThereIsNotTouched() {
    let plan = RebuildPlan(
      device(), of: Self.driverDomain, promises: LeafContents(nodes: ["sectors": "1"]),
      isPresent: true)
    #expect(plan.contents == nil)
    #expect(
      plan.operations == [
        .setPermissions(
          "/local/domain/7/device/vbd/0",
          [.init(.none, Self.guest), .init(.read, Self.driverDomain)])
      ])
  }

  @Test func theGuestsDirectoryGuardsTheTransaction() {
    let plan = RebuildPlan(device(), of: Self.driverDomain, promises: nil, isPresent: false)
    #expect(plan.operations.first == plan.permission(for: plan.device.frontend))
    let leaf: XenStorePath = "/local/domain/30001/backend/vbd/7/0"
    let access = [XenStorePermission(.none, Self.driverDomain), .init(.read, Self.guest)]
    #expect(plan.operations[1] == .makeDirectory(leaf))
    // Before the nodes, which inherit it.
    #expect(plan.operations[2] == .setPermissions(leaf, access))
  }

  @Test func anInterfaceHasItsMTUAgain() {
    let plan = RebuildPlan(
      device(.virtualInterface, nodes: ["mtu": "9000"]), of: Self.driverDomain, promises: nil,
      isPresent: false)
    #expect(plan.operations.contains(.write("/local/domain/7/device/vbd/0/mtu", "9000")))
  }
}
