import PeerKit
import RingTransport
import SimulatedXen

@testable import BlockBackend

extension WireABI {
  /// The backend's name for it.
  var blockABI: BlockABI {
    switch self {
    case .native64: .native64
    case .x86Bits64: .x86Bits64
    case .x86Bits32: .x86Bits32
    }
  }
}

extension DomainIdentifier {
  static let driver = DomainIdentifier(rawValue: 1)
  static let guest = DomainIdentifier(rawValue: 2)
  static let neighbour = DomainIdentifier(rawValue: 3)
}

/// One guest with one disk: what most engine tests begin with.
struct DiskScenario {
  /// What differs between tests.
  struct Options {
    var abi = WireABI.x86Bits64
    var ringOrder = 0
    var startIndex: UInt32 = 0
    var capacityBytes = 1 << 20
    var sectorByteCount = 512
    var isReadOnly = false
    var discards = true
    var bufferByteCount = BlockQueue.smallestBufferByteCount
    var seed: UInt64 = 1
    var isInOrder = false
    /// See ``QueueHarness/Connection/linkCountMax``.
    var linkCountMax: Int?

    /// A disk unlike those of the seeds beside it: layout, ring and buffer.
    static func varied(by seed: UInt64) -> Options {
      var options = Options()
      options.abi = WireABI.allCases[Int(seed % 3)]
      options.seed = seed
      options.ringOrder = Int(seed / 3 % 5)
      options.startIndex = seed % 2 == 0 ? .max - 30 : 0
      options.bufferByteCount = seed % 3 == 0 ? 4 << 20 : BlockQueue.smallestBufferByteCount
      return options
    }

    var geometry: BlockGeometry {
      BlockGeometry(
        capacityBytes: UInt64(capacityBytes), logicalSectorByteCount: sectorByteCount,
        physicalSectorByteCount: 4096, isReadOnly: isReadOnly,
        discard: discards ? .init(granularityBytes: 4096, alignmentBytes: 0) : nil)
    }
  }

  let machine: SimulatedMachine
  let disk: ModelDisk
  let frontend: BlockFrontend
  let harness: QueueHarness

  /// Connects a disk.
  init(
    _ options: Options = Options(), machine existing: SimulatedMachine? = nil,
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
    disk = ModelDisk(
      capacityBytes: options.capacityBytes, sectorByteCount: options.sectorByteCount,
      seed: options.seed)
    frontend = try BlockFrontend(
      machine: machine, domain: guest, backendDomain: .driver, abi: options.abi,
      ringOrder: options.ringOrder, startingAt: options.startIndex, seed: options.seed)
    harness = try QueueHarness(
      machine: machine, domain: .driver, disk: disk,
      connection: QueueHarness.Connection(
        frontendDomain: guest, references: frontend.ringReferences, frontendPort: frontend.port,
        abi: options.abi.blockABI, geometry: options.geometry,
        bufferByteCount: options.bufferByteCount, isInOrder: options.isInOrder,
        linkCountMax: options.linkCountMax))
  }

  /// Sends one request and waits for its end.
  func perform(_ request: FrontendRequest) throws -> FrontendCompletion {
    let identifier = frontend.submit(request)
    frontend.push()
    for _ in 0..<1000 {
      harness.settle()
      for completion in frontend.isAwake ? try frontend.handleEvent() : []
      where completion.identifier == identifier {
        try frontend.auditRing()
        return completion
      }
    }
    throw PeerFailure("the request has no response")
  }
}
