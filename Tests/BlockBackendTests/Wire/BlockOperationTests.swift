import Testing

@testable import BlockBackend

struct BlockOperationTests {
  /// The numbers of `xen/io/blkif.h`.
  @Test func numbers() {
    let numbers: [UInt8: BlockOperation] = [
      0: .read, 1: .write, 2: .writeBarrier, 3: .flush, 5: .discard, 6: .indirect,
    ]
    for code in UInt8.min...UInt8.max {
      #expect(BlockOperation(rawValue: code) == numbers[code])
    }
    #expect(BlockStatus.okay.rawValue == 0)
    #expect(BlockStatus.error.rawValue == -1)
    #expect(BlockStatus.notSupported.rawValue == -2)
  }

  @Test func whatMutates() {
    let mutating: [BlockOperation] = [.write, .writeBarrier, .discard]
    let others: [BlockOperation] = [.read, .flush, .indirect]
    for operation in mutating { #expect(operation.mutates) }
    for operation in others { #expect(!operation.mutates) }
  }
}
