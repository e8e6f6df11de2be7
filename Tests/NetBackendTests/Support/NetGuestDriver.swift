import PeerKit
import RingTransport
import SimulatedXen

@testable import NetBackend

/// The XenStore side of a guest's network driver, as Linux's netfront goes about it.
final class NetGuestDriver {
  let store: SimulatedXenStore
  let machine: SimulatedMachine
  let interface: Toolstack.Device
  var queueCount = 1
  var hasControlRing = false
  var features = GuestFeatures()
  /// Where the counters of the rings begin.
  var startIndex: UInt32 = 0
  /// More nodes of its directory.
  var nodes: [String: String] = [:]
  /// The rings, once the backend waits for them.
  private(set) var frontend: NetFrontend?
  /// Whether the interface can be used.
  private(set) var isConnected = false
  private var frontendCount: UInt64 = 0

  init(store: SimulatedXenStore, machine: SimulatedMachine, interface: Toolstack.Device) {
    self.store = store
    self.machine = machine
    self.interface = interface
  }

  var state: String? { store.read(interface.frontendPath.appending("state")) }
  var backendState: String? { store.read(interface.backendPath.appending("state")) }

  /// Looks at the backend's state and does what follows from it.
  func step() throws {
    guard state != nil else { return }
    switch (backendState, state) {
    case ("2", "1"): try offerRings()
    case ("4", "4"): isConnected = true
    case ("8", "7"): write("state", "4")
    case ("5", "4"), ("6", "4"):
      isConnected = false
      write("state", "6")
    default: break
    }
  }

  /// Wants so much room in front of received data from now on, and says so.
  func reconfigure(headroomByteCount: Int) {
    write("xdp-headroom", "\(headroomByteCount)")
    write("state", "7")
  }

  /// Ends the connection from this side.
  func close() {
    isConnected = false
    write("state", "6")
  }

  /// Begins anew, as the next kernel does.
  func restart() {
    frontend = nil
    write("state", "1")
  }

  func write(_ node: String, _ value: String) {
    store.write(interface.frontendPath.appending(node), value, as: interface.guest)
  }

  private func offerRings() throws {
    frontendCount += 1
    let frontend = try NetFrontend(
      machine: machine, domain: interface.guest, backendDomain: interface.backendDomain,
      queueCount: queueCount, features: features, hasSplitChannels: frontendCount % 2 == 1,
      hasControlRing: hasControlRing, startingAt: startIndex, seed: frontendCount)
    self.frontend = frontend
    for queue in frontend.queues {
      queue.postBuffers()
      queue.push()
    }
    for (node, value) in frontend.storeNodes { write(node, value) }
    for (node, value) in nodes.sorted(by: { $0.key < $1.key }) { write(node, value) }
    write("state", "4")
  }
}
