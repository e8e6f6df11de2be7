import CNetReference
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

struct ControlConfigurationTests {
  typealias Kind = NetControlRequest.Kind
  typealias Status = NetControlResponse.Status

  /// All that a frontend does that means well, in its order (as Windows does).
  @Test func wholeConfiguration() throws {
    var configuration = ControlConfiguration()
    expect(&configuration, .setHashAlgorithm, (1, 0, 0), .success)
    expect(&configuration, .getHashFlags, (0, 0, 0), .success, data: 15)
    expect(&configuration, .setHashFlags, (15, 0, 0), .success)
    let key = [UInt8](1...40)
    #expect(
      configuration.handle(request(.setHashKey, (77, 40, 0)))
        == .copy(GrantReference(rawValue: 77), byteCount: 40))
    #expect(finish(&configuration, .setHashKey, (77, 40, 0), key) == .success)
    #expect(configuration.key == key)
    expect(&configuration, .getHashMappingSize, (0, 0, 0), .success, data: 128)
    expect(&configuration, .setHashMappingSize, (128, 0, 0), .success)
    let entries = (0..<64).flatMap { index -> [UInt8] in [UInt8(index % 4), 0, 0, 0] }
    #expect(
      configuration.handle(request(.setHashMapping, (78, 64, 64)))
        == .copy(GrantReference(rawValue: 78), byteCount: 256))
    #expect(finish(&configuration, .setHashMapping, (78, 64, 64), entries) == .success)
    let table = [UInt32](repeating: 0, count: 64) + (0..<64).map { UInt32($0 % 4) }
    #expect(configuration.mapping == table)

    // The key is the one in use, and the table what steers.
    let frame = TestFrame().bytes
    let span = unsafe frame.span.bytes
    let headers = try FrameHeaders(span)
    let found = configuration.hash(of: span, headers)
    let hash = try #require(found)
    let expected = ToeplitzHash(key: key).hash(of: span, headers, types: .supported)
    #expect(hash == expected)
    for value in [UInt32(0), 64, 65, 67, 127, 128 + 66, .max] {
      let queue = configuration.queue(of: PacketHash(type: 0, value: value), queueCount: 4)
      #expect(queue == Int(table[Int(value % 128)]))
    }
    expect(&configuration, .setHashAlgorithm, (0, 0, 0), .success)
    let none = configuration.hash(of: span, headers)
    #expect(none == nil)
  }

  @Test func algorithms() {
    var configuration = ControlConfiguration()
    expect(&configuration, .getHashFlags, (0, 0, 0), .notSupported)
    expect(&configuration, .setHashFlags, (1, 0, 0), .invalidParameter)
    for algorithm in [UInt32(2), 3, .max] {
      expect(&configuration, .setHashAlgorithm, (algorithm, 0, 0), .invalidParameter)
    }
    #expect(!configuration.isToeplitz)
    expect(&configuration, .setHashAlgorithm, (1, 0, 0), .success)
    for flags in [UInt32(16), 31, 1 << 31, .max] {
      expect(&configuration, .setHashFlags, (flags, 0, 0), .invalidParameter)
    }
    expect(&configuration, .setHashFlags, (5, 0, 0), .success)
    #expect(configuration.types == [.ipv4, .ipv6])
    expect(&configuration, .setHashFlags, (0, 0, 0), .success)
    #expect(configuration.types == [])
  }

  @Test func keys() {
    var configuration = ControlConfiguration()
    for size in [UInt32(41), 4096, 1 << 16, .max] {
      expect(&configuration, .setHashKey, (7, size, 0), .bufferOverflow)
    }
    #expect(finish(&configuration, .setHashKey, (7, 3, 0), [1, 2, 3]) == .success)
    // A page that could not be copied changes nothing.
    #expect(finish(&configuration, .setHashKey, (7, 3, 0), nil) == .invalidParameter)
    #expect(configuration.key == [1, 2, 3])
    expect(&configuration, .setHashKey, (7, 0, 0), .success)
    #expect(configuration.key == [])
  }

  @Test func mappingSizes() {
    var configuration = ControlConfiguration()
    for size in [UInt32(129), 4096, 1 << 30, .max] {
      expect(&configuration, .setHashMappingSize, (size, 0, 0), .invalidParameter)
    }
    expect(&configuration, .setHashMappingSize, (8, 0, 0), .success)
    #expect(configuration.mapping == [UInt32](repeating: 0, count: 8))
    #expect(finish(&configuration, .setHashMapping, (1, 1, 7), [1, 0, 0, 0]) == .success)
    // A new size makes a new table.
    expect(&configuration, .setHashMappingSize, (8, 0, 0), .success)
    #expect(configuration.mapping == [UInt32](repeating: 0, count: 8))
  }

  /// Ranges that are not in the table, and sums that would overflow (XSA-270).
  @Test func mappingRanges() {
    var configuration = ControlConfiguration()
    expect(&configuration, .setHashMappingSize, (8, 0, 0), .success)
    let ranges: [(UInt32, UInt32)] = [
      (9, 0), (1, 8), (8, 1), (0, 9), (1, .max), (.max, 1), (.max, .max),
      (0x8000_0000, 0x8000_0000),
      (0x1_0001, 0), (8, 0xffff_fff8),
    ]
    for (count, offset) in ranges {
      expect(&configuration, .setHashMapping, (1, count, offset), .invalidParameter)
    }
    expect(&configuration, .setHashMapping, (1, 0, 8), .success)
    // The table may have shrunk between the two steps.
    let bytes = [UInt8](repeating: 0, count: 32)
    expect(&configuration, .setHashMappingSize, (4, 0, 0), .success)
    #expect(finish(&configuration, .setHashMapping, (1, 8, 0), bytes) == .invalidParameter)
  }

  /// An entry that names no queue leaves the whole table as it was.
  @Test func mappingEntries() {
    var configuration = ControlConfiguration()
    expect(&configuration, .setHashMappingSize, (3, 0, 0), .success)
    let good: [UInt8] = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]
    #expect(finish(&configuration, .setHashMapping, (1, 3, 0), good) == .success)
    for last: [UInt8] in [[4, 0, 0, 0], [0, 0, 0, 0x80], [255, 255, 255, 255]] {
      let bad = [0, 0, 0, 0, 0, 0, 0, 0] + last
      #expect(finish(&configuration, .setHashMapping, (1, 3, 0), bad) == .invalidParameter)
      #expect(configuration.mapping == [1, 2, 3])
    }
    // After a connection with fewer queues, an old table names no queue that is not there.
    for value in 0..<3 {
      let hash = PacketHash(type: 0, value: UInt32(value))
      #expect(configuration.queue(of: hash, queueCount: 2) < 2)
    }
  }

  @Test func unknownTypes() {
    var configuration = ControlConfiguration()
    for type in [UInt16(0), 8, 9, 10, 11, 255, .max] {
      let request = request(type, (1, 1, 1))
      #expect(
        configuration.handle(request) == .respond(NetControlResponse(to: request, .notSupported)))
    }
  }

  /// Whatever is asked, no trap, and everything stays in its bounds.
  @Test(arguments: testSeedGroups(count: 100))
  func hostileRequests(seeds: [UInt64]) throws {
    let frame = TestFrame().bytes
    let headers = try FrameHeaders(unsafe frame.span.bytes)
    for seed in seeds {
      var generator = SeededGenerator(seed: seed)
      var configuration = ControlConfiguration()
      for _ in 0..<100 {
        let request = request(
          UInt16.random(in: 0...11, using: &generator),
          (word(&generator), word(&generator), word(&generator)))
        let queueCount = Int.random(in: 1...8, using: &generator)
        if case .copy(_, let byteCount) = configuration.handle(request) {
          #expect((1...4096).contains(byteCount), "seed \(seed)")
          let bytes = [UInt8].random(byteCount, &generator).map { $0 & 0x83 }
          let response = configuration.finish(
            request, copied: unsafe bytes.span.bytes, queueCount: queueCount)
          #expect(response.identifier == request.identifier)
        }
        #expect(configuration.key.count <= 40, "seed \(seed)")
        #expect(configuration.mapping.count <= 128, "seed \(seed)")
        #expect(configuration.types.isSubset(of: .supported), "seed \(seed)")
        if let hash = configuration.hash(of: unsafe frame.span.bytes, headers) {
          let queue = configuration.queue(of: hash, queueCount: queueCount)
          #expect((0..<queueCount).contains(queue), "seed \(seed)")
        }
      }
    }
  }

  @Test func takenOver() {
    let configuration = ControlConfiguration(
      isToeplitz: true, types: NetHashTypes(rawValue: .max), key: [UInt8](repeating: 1, count: 99),
      mapping: [UInt32](repeating: .max, count: 999))
    #expect(configuration.types == .supported)
    #expect(configuration.key.count == 40)
    #expect(configuration.mapping.count == 128)
    #expect(configuration.queue(of: PacketHash(type: 0, value: 5), queueCount: 3) < 3)
  }

  // MARK: Helpers

  private func word(_ generator: inout SeededGenerator) -> UInt32 {
    let shift = UInt32.random(in: 0...32, using: &generator)
    return UInt32(truncatingIfNeeded: generator.next() & 0xffff_ffff) >> shift
  }

  private func request(_ type: UInt16, _ data: (UInt32, UInt32, UInt32)) -> NetControlRequest {
    var slot = [UInt8](repeating: 0, count: NetLimits.controlSlotByteCount)
    unsafe net_reference_encode_control(&slot, 0x1234, type, data.0, data.1, data.2)
    return NetControlRequest(slot: unsafe slot.span.bytes)
  }

  private func request(_ kind: Kind, _ data: (UInt32, UInt32, UInt32)) -> NetControlRequest {
    request(kind.rawValue, data)
  }

  private func expect(
    _ configuration: inout ControlConfiguration, _ kind: Kind, _ data: (UInt32, UInt32, UInt32),
    _ status: Status, data answer: UInt32 = 0, at location: SourceLocation = #_sourceLocation
  ) {
    let request = request(kind, data)
    let step = configuration.handle(request)
    #expect(
      step == .respond(NetControlResponse(to: request, status, data: answer)),
      sourceLocation: location)
  }

  private func finish(
    _ configuration: inout ControlConfiguration, _ kind: Kind, _ data: (UInt32, UInt32, UInt32),
    _ bytes: [UInt8]?
  ) -> Status {
    let request = request(kind, data)
    guard let bytes else {
      return configuration.finish(request, copied: nil, queueCount: 4).status
    }
    return configuration.finish(
      request, copied: unsafe bytes.span.bytes, queueCount: 4
    ).status
  }
}
