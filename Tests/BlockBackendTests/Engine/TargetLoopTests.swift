import Glibc
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import BlockBackend

extension TargetLoop: LoopOwner {
  mutating func wait(timeoutNanoseconds: UInt64?) throws(Errno) {
    try loop.wait(timeoutNanoseconds: timeoutNanoseconds)
  }

  mutating func nextEvent() throws(Errno) -> LoopEvent? { try loop.nextEvent() }
}

/// A real file as the target.
struct TargetLoopTests {
  private let scratch = ScratchDirectory()

  @Test func writesReadsFlushesAndHoles() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 1 << 20)
    try LoopFixture.run(around: TargetLoop.init) { fixture in
      let geometry = try fixture.loop.open(request(path))
      #expect(geometry.capacityBytes == 1 << 20)
      var memory = try PrivateMemory(byteCount: 1 << 16)
      fill(&memory, 0..<8192, with: 7)
      try expect(
        &fixture, memory,
        .init(kind: .write, byteOffset: 65536, byteCount: 8192, bufferOffset: 0, token: 5),
        8192)
      try expect(
        &fixture, memory,
        .init(kind: .flush, byteOffset: 0, byteCount: 0, bufferOffset: 0, token: 511), 0)
      try expect(
        &fixture, memory,
        .init(kind: .discard, byteOffset: 65536, byteCount: 4096, bufferOffset: 0, token: 0), 0)
      try expect(
        &fixture, memory,
        .init(kind: .read, byteOffset: 61440, byteCount: 16384, bufferOffset: 16384, token: 9),
        16384)
      for (page, byte) in ([0, 0, 7, 0] as [UInt8]).enumerated() {
        let start = 16384 + page * 4096
        let isRight = holds(memory, start..<(start + 4096), byte)
        #expect(isRight, "page \(page)")
      }
      fixture.loop.close()
      #expect(fixture.loop.currentCapacityBytes == nil)
    }
  }

  /// More operations than the ring has entries, all at once.
  @Test func aFullSubmissionQueue() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 4 << 20)
    try LoopFixture.run(around: TargetLoop.init) { fixture in
      _ = try fixture.loop.open(request(path))
      var memory = try PrivateMemory(byteCount: 4 << 20)
      for page in 0..<1024 {
        fill(&memory, (page * 4096)..<(page * 4096 + 8), with: UInt8(page % 251))
      }
      for page in 0..<1024 {
        let isQueued = fixture.loop.submit(
          .init(
            kind: .write, byteOffset: UInt64(page) * 4096, byteCount: 4096,
            bufferOffset: page * 4096, token: page), buffer: memory)
        #expect(isQueued)
        if page == 300 { fixture.raise(77) }
      }
      var tokens: Set<Int> = []
      var ports: [UInt32] = []
      for event in try fixture.events(1025) {
        switch event {
        case .operation(let token, let result):
          #expect(result == 4096)
          #expect(tokens.insert(token).inserted)
        case .eventChannel(let port): ports.append(port.rawValue)
        default: Issue.record("\(event)")
        }
      }
      #expect(tokens.count == 1024)
      #expect(ports == [77])
      fixture.loop.loop.armEventChannel(unmasking: nil)
      var bytes = [UInt8](repeating: 0, count: 1)
      let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
      for page in 0..<1024 {
        #expect(unsafe pread(file, &bytes, 1, page * 4096) == 1)
        #expect(bytes[0] == UInt8(page % 251))
      }
      Glibc.close(file)
    }
  }

  /// Errors come back as negative numbers, the end of the target as a short transfer.
  @Test func errorsAndTheEnd() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 8192)
    try LoopFixture.run(around: TargetLoop.init) { fixture in
      _ = try fixture.loop.open(request(path, isReadOnly: true))
      let memory = try PrivateMemory(byteCount: 16384)
      try expect(
        &fixture, memory,
        .init(kind: .write, byteOffset: 0, byteCount: 4096, bufferOffset: 0, token: 1), -Int(EBADF))
      try expect(
        &fixture, memory,
        .init(kind: .read, byteOffset: 4096, byteCount: 8192, bufferOffset: 0, token: 2), 4096)
      try expect(
        &fixture, memory,
        .init(kind: .read, byteOffset: 8192, byteCount: 4096, bufferOffset: 0, token: 3), 0)
    }
  }

  private func request(_ path: String, isReadOnly: Bool = false) -> BlockTarget.Request {
    BlockTarget.Request(path: path, isReadOnly: isReadOnly, allowsDiscard: true)
  }

  private func fill(_ memory: inout PrivateMemory, _ range: Range<Int>, with byte: UInt8) {
    var bytes = memory.mutableBytes
    for offset in range { bytes.store(byte, at: offset) }
  }

  private func holds(_ memory: borrowing PrivateMemory, _ range: Range<Int>, _ byte: UInt8) -> Bool
  {
    let bytes = memory.bytes
    return range.allSatisfy { bytes.load(UInt8.self, at: $0) == byte }
  }

  private func expect(
    _ fixture: inout LoopFixture<TargetLoop>, _ memory: borrowing PrivateMemory,
    _ operation: StorageOperation, _ expected: Int,
    at location: SourceLocation = #_sourceLocation
  ) throws {
    let isQueued = fixture.loop.submit(operation, buffer: memory)
    #expect(isQueued)
    guard case .operation(let token, let result)? = try fixture.events(1).first else {
      Issue.record("no completion", sourceLocation: location)
      return
    }
    #expect(token == operation.token, sourceLocation: location)
    #expect(result == expected, sourceLocation: location)
  }
}
