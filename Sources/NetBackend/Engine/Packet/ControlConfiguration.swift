import RingTransport

/// What a guest has set through its control ring: how packets for it are spread over its queues.
///
/// A request is handled in one step, or in two when its data lie in a page of the guest: the first
/// says what to copy, the second takes the bytes. Nothing changes before the last step, and nothing
/// at all when a request is refused. As in Linux's backend, static grants (types 8 to 10) are not
/// supported.
struct ControlConfiguration: Sendable {
  /// The first step's outcome.
  enum Step: Hashable, Sendable {
    /// The request is done with.
    case respond(NetControlResponse)
    /// The first `byteCount` bytes of the page, at most a page, are to be copied and handed to
    /// ``finish(_:copied:queueCount:)``.
    case copy(GrantReference, byteCount: Int)
  }

  /// Whether hashes are calculated (`XEN_NETIF_CTRL_HASH_ALGORITHM_*`: none or Toeplitz).
  private(set) var isToeplitz = false
  /// Over which fields; counts while there is an algorithm.
  private(set) var types: NetHashTypes = []
  /// At most ``NetLimits/hashKeyByteCount`` bytes.
  private(set) var key: [UInt8] = []
  /// The queue of every hash, modulo the table's size; empty: the hash modulo the queues. At most
  /// ``NetLimits/hashMappingEntryCount`` entries.
  private(set) var mapping: [UInt32] = []
  private var algorithm = ToeplitzHash(key: [])

  /// Nothing is set: the backend spreads packets as it likes.
  init() {}

  /// What a control ring's new owner finds, for example a process that takes over from a dead one.
  /// Whatever cannot be is left out.
  init(isToeplitz: Bool, types: NetHashTypes, key: [UInt8], mapping: [UInt32]) {
    self.isToeplitz = isToeplitz
    self.types = types.intersection(.supported)
    self.key = Array(key.prefix(NetLimits.hashKeyByteCount))
    self.mapping = Array(mapping.prefix(NetLimits.hashMappingEntryCount))
    algorithm = ToeplitzHash(key: self.key)
  }

  /// The hash that the guest wants of a packet, nil when it wants none.
  func hash(of frame: RawSpan, _ headers: FrameHeaders) -> PacketHash? {
    guard isToeplitz else { return nil }
    return algorithm.hash(of: frame, headers, types: types)
  }

  /// The queue that a packet goes to.
  func queue(of hash: PacketHash, queueCount: Int) -> Int {
    precondition(queueCount > 0)
    guard !mapping.isEmpty else { return Int(hash.value) % queueCount }
    // The table was checked against the queues there were; a new connection may have fewer.
    return Int(mapping[Int(hash.value) % mapping.count]) % queueCount
  }

  /// The first step.
  mutating func handle(_ request: NetControlRequest) -> Step {
    switch request.kind {
    case .setHashAlgorithm?: setAlgorithm(request)
    case .getHashFlags?:
      isToeplitz
        ? respond(request, .success, data: NetHashTypes.supported.rawValue)
        : respond(request, .notSupported)
    case .setHashFlags?: setTypes(request)
    case .setHashKey?: beginKey(request)
    case .getHashMappingSize?:
      respond(request, .success, data: UInt32(NetLimits.hashMappingEntryCount))
    case .setHashMappingSize?: setMappingSize(request)
    case .setHashMapping?: beginMapping(request)
    case .getGrantMappingSize?, .addGrantMapping?, .deleteGrantMapping?, nil:
      respond(request, .notSupported)
    }
  }

  /// The second step of a request that asked for a copy.
  ///
  /// - Parameters:
  ///   - bytes: as many as were asked for, in memory that the guest cannot change; nil when they
  ///     could not be copied.
  ///   - queueCount: queues that are connected.
  mutating func finish(
    _ request: NetControlRequest, copied bytes: RawSpan?, queueCount: Int
  ) -> NetControlResponse {
    guard let bytes else { return NetControlResponse(to: request, .invalidParameter) }
    switch request.kind {
    case .setHashKey?:
      precondition(bytes.byteCount <= NetLimits.hashKeyByteCount)
      setKey(bytes.byteOffsets.map { bytes.load(UInt8.self, at: $0) })
      return NetControlResponse(to: request, .success)
    case .setHashMapping?: return setMapping(request, bytes, queueCount)
    default: return NetControlResponse(to: request, .notSupported)
    }
  }

  // MARK: Requests

  private mutating func setAlgorithm(_ request: NetControlRequest) -> Step {
    guard request.data.0 <= 1 else { return respond(request, .invalidParameter) }
    isToeplitz = request.data.0 == 1
    return respond(request, .success)
  }

  private mutating func setTypes(_ request: NetControlRequest) -> Step {
    let wanted = NetHashTypes(rawValue: request.data.0)
    guard isToeplitz, wanted.isSubset(of: .supported) else {
      return respond(request, .invalidParameter)
    }
    types = wanted
    return respond(request, .success)
  }

  private mutating func beginKey(_ request: NetControlRequest) -> Step {
    guard request.data.1 <= UInt32(NetLimits.hashKeyByteCount) else {
      return respond(request, .bufferOverflow)
    }
    guard request.data.1 > 0 else {
      setKey([])
      return respond(request, .success)
    }
    return .copy(GrantReference(rawValue: request.data.0), byteCount: Int(request.data.1))
  }

  private mutating func setKey(_ key: [UInt8]) {
    self.key = key
    algorithm = ToeplitzHash(key: key)
  }

  private mutating func setMappingSize(_ request: NetControlRequest) -> Step {
    guard request.data.0 <= UInt32(NetLimits.hashMappingEntryCount) else {
      return respond(request, .invalidParameter)
    }
    mapping = [UInt32](repeating: 0, count: Int(request.data.0))
    return respond(request, .success)
  }

  private func beginMapping(_ request: NetControlRequest) -> Step {
    guard let range = mappingRange(of: request) else { return respond(request, .invalidParameter) }
    guard !range.isEmpty else { return respond(request, .success) }
    return .copy(GrantReference(rawValue: request.data.0), byteCount: range.count * 4)
  }

  /// All new entries are judged before the first is taken (XSA-270).
  private mutating func setMapping(
    _ request: NetControlRequest, _ bytes: RawSpan, _ queueCount: Int
  ) -> NetControlResponse {
    guard let range = mappingRange(of: request), bytes.byteCount == range.count * 4 else {
      return NetControlResponse(to: request, .invalidParameter)
    }
    let entries = (0..<range.count).map { bytes.load(UInt32.self, at: $0 * 4) }
    guard entries.allSatisfy({ $0 < UInt32(queueCount) }) else {
      return NetControlResponse(to: request, .invalidParameter)
    }
    mapping.replaceSubrange(range, with: entries)
    return NetControlResponse(to: request, .success)
  }

  /// The part of the table that a request means, nil when it is not all there. The numbers are the
  /// guest's; as Ints their sum cannot overflow.
  private func mappingRange(of request: NetControlRequest) -> Range<Int>? {
    let start = Int(request.data.2)
    let end = start + Int(request.data.1)
    return end <= mapping.count ? start..<end : nil
  }

  private func respond(
    _ request: NetControlRequest, _ status: NetControlResponse.Status, data: UInt32 = 0
  ) -> Step {
    .respond(NetControlResponse(to: request, status, data: data))
  }
}
