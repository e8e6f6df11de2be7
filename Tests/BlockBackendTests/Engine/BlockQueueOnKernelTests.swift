import Glibc
import PeerKit
import RingTransport
import SimulatedXen
import Testing

@testable import BlockBackend

/// The whole data path on the kernel's own I/O: a guest's requests end in a real file.
struct BlockQueueOnKernelTests {
  private let scratch = ScratchDirectory()

  @Test(arguments: testSeeds(count: 3))
  func aFileHoldsWhatTheGuestWrote(seed: UInt64) throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 1 << 20)
    try LoopFixture.run(around: TargetLoop.init) { fixture in
      let machine = try SimulatedMachine()
      machine.createDomain(.driver)
      machine.createDomain(.guest)
      var hypervisor = SimulatedHypervisor(machine, domain: .driver)
      let frontend = try BlockFrontend(
        machine: machine, domain: .guest, backendDomain: .driver, abi: .x86Bits32,
        ringOrder: 1, startingAt: .max - 3, seed: seed)
      let geometry = try fixture.loop.open(
        .init(path: path, isReadOnly: false, allowsDiscard: true))
      let pages = try hypervisor.map(frontend.ringReferences, of: .guest)
      var queue = try BlockQueue(
        pages: pages, abi: .x86Bits32, frontendDomain: .guest,
        port: try hypervisor.bind(frontend.port, of: .guest), geometry: geometry,
        bufferByteCount: BlockQueue.smallestBufferByteCount)
      var model = SectorModel(sectorCount: 2048)
      var refusalCount = 0
      for isWriting in [true, false, true, false] {
        var sector = 0
        while sector < 2048 || frontend.outstandingCount > 0 {
          while frontend.freeCount > 0, sector < 2048 {
            let count = min(2048 - sector, sector % 3 == 0 ? 64 : 256)
            frontend.submit(request(&model, sector..<(sector + count), isWriting))
            sector += count
          }
          frontend.push()
          while try queue.turn(hypervisor: &hypervisor, storage: &fixture.loop) {}
          try fixture.loop.wait(timeoutNanoseconds: 1_000_000)
          while let event = try fixture.loop.nextEvent() {
            switch event {
            case .operation(let token, let result): queue.complete(token: token, result: result)
            case .copy(let token, let result):
              #expect(result == -Int(EOPNOTSUPP))
              refusalCount += 1
              queue.completeCopy(token: token, result: result)
            default: break
            }
          }
          try judge(frontend.isAwake ? try frontend.handleEvent() : [], &model)
        }
      }
      let isIdle = queue.isIdle
      #expect(isIdle)
      // Asked until the first answer.
      #expect(refusalCount > 0 && refusalCount <= 64)
      #expect(queue.statistics.bytesWritten == 2 << 20)
      #expect(queue.statistics.bytesRead == 2 << 20)
      try frontend.auditRing()
    }
  }

  private func request(
    _ model: inout SectorModel, _ range: Range<Int>, _ isWriting: Bool
  ) -> FrontendRequest {
    var request = FrontendRequest(isWriting ? .write : .read, sector: UInt64(range.lowerBound))
    request.segments = FrontendRequest.pages(sectorCount: range.count)
    request.isIndirect = request.segments.count > 11
    if isWriting {
      request.data = model.beginWrite(range)
    } else {
      model.beginRead(range)
    }
    return request
  }

  private func judge(_ completions: [FrontendCompletion], _ model: inout SectorModel) throws {
    for completion in completions {
      #expect(completion.status == 0)
      let start = Int(completion.request.sector)
      let range = start..<(start + completion.request.sectorCount)
      if completion.request.operation == .read {
        let wrong = model.endRead(range, data: completion.data)
        #expect(wrong == nil)
      } else {
        model.endWrite(range, isKnown: true)
      }
    }
  }
}
