import PeerKit
import RingTransport
import SimulatedXen

@testable import NetBackend

/// One guest with one queue: what most engine tests begin with.
struct NetScenario {
  /// What differs between tests.
  struct Options {
    var features = GuestFeatures()
    var hasSplitChannels = true
    var sendsReceiveEvents = true
    var startIndex: UInt32 = 0
    var filter = ""
    var rate: NetRate?
    /// Whether the network's port reads ahead.
    var readsAhead: Bool
    var seed: UInt64 = 1

    /// Something of everything.
    init(seed: UInt64) {
      self.seed = seed
      readsAhead = seed % 8 < 5
      hasSplitChannels = seed % 3 != 0
      startIndex = seed % 2 == 0 ? .max - 3 : 0
      sendsReceiveEvents = seed % 5 != 0
      if seed % 7 == 0 { features = .none }
      if seed % 4 == 0 { features.headroomByteCount = 256 }
      if seed % 6 == 0 { features.checksum6 = false }
    }
  }

  let machine: SimulatedMachine
  let frontend: NetFrontendQueue
  let harness: NetQueueHarness

  /// Connects an interface.
  init(
    _ options: Options, machine existing: SimulatedMachine? = nil,
    guest: DomainIdentifier = .guest
  ) throws {
    let machine: SimulatedMachine
    if let existing {
      machine = existing
    } else {
      machine = try SimulatedMachine()
      machine.createDomain(.driver)
    }
    machine.createDomain(guest)
    self.machine = machine
    frontend = try NetFrontendQueue(
      machine: machine, domain: guest, backendDomain: .driver, features: options.features,
      hasSplitChannels: options.hasSplitChannels, startingAt: options.startIndex,
      seed: options.seed)
    let policy = VifPolicy(
      filter: try PacketFilter(options.filter), rate: options.rate,
      now: 1_000_000_000)
    harness = try NetQueueHarness(
      frontend, sendsReceiveEvents: options.sendsReceiveEvents, policy: policy,
      readsAhead: options.readsAhead, seed: options.seed)
  }
}
