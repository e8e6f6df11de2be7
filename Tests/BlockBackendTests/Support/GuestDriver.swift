import PeerKit
import RingTransport
import SimulatedXen

@testable import BlockBackend

/// The XenStore side of a guest's disk driver, as Linux's blkfront goes about it.
final class GuestDriver {
  let store: SimulatedXenStore
  let machine: SimulatedMachine
  let disk: Toolstack.Disk
  /// The ring and what is on it, once the backend waits for one.
  private(set) var frontend: BlockFrontend?
  /// Whether the disk can be used.
  private(set) var isConnected = false
  var ringOrder = 0
  /// Spoils a node before it is written.
  var spoil: [String: String] = [:]
  private var rings: UInt64 = 0

  init(store: SimulatedXenStore, machine: SimulatedMachine, disk: Toolstack.Disk) {
    self.store = store
    self.machine = machine
    self.disk = disk
  }

  var state: String? { store.read(disk.frontendPath.appending("state")) }
  var backendState: String? { store.read(disk.backendPath.appending("state")) }

  /// Looks at the backend's state and does what follows from it.
  func step() throws {
    guard state != nil else { return }
    switch (backendState, state) {
    case ("2", "1"): try offerRing()
    case ("4", "3"):
      write("state", "4")
      isConnected = true
    case ("5", "4"), ("6", "4"), ("6", "3"):
      isConnected = false
      write("state", "6")
    default: break
    }
  }

  /// Ends the connection from this side, as a guest does that shuts down.
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
    store.write(disk.frontendPath.appending(node), value, as: disk.guest)
  }

  private func offerRing() throws {
    rings += 1
    let frontend = try BlockFrontend(
      machine: machine, domain: disk.guest, backendDomain: disk.backendDomain,
      abi: .x86Bits64, ringOrder: ringOrder, seed: rings)
    self.frontend = frontend
    var nodes = ["protocol": "x86_64-abi", "event-channel": "\(frontend.port.rawValue)"]
    if ringOrder == 0 {
      nodes["ring-ref"] = "\(frontend.ringReferences[0].rawValue)"
    } else {
      nodes["ring-page-order"] = "\(ringOrder)"
      for (index, reference) in frontend.ringReferences.enumerated() {
        nodes["ring-ref\(index)"] = "\(reference.rawValue)"
      }
    }
    nodes.merge(spoil) { $1 }
    for (node, value) in nodes.sorted(by: { $0.key < $1.key }) { write(node, value) }
    write("state", "3")
  }
}
