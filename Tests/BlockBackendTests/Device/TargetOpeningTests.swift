import RingTransport
import SystemPackage
import Testing

@testable import BlockBackend

/// What an opener is asked and answers. That it opens one thing only is seen in `SandboxTests`.
struct TargetOpeningTests {
  private let scratch = ScratchDirectory()

  private func request(_ path: String) -> BlockTarget.Request {
    BlockTarget.Request(path: path, isReadOnly: false, allowsDiscard: true)
  }

  private func open(_ request: BlockTarget.Request) throws(BlockTargetError) -> BlockTarget {
    let answer = TargetOpening.serve(TargetOpening.message(.open, request))
    return try TargetOpening.target(of: answer, path: request.path)
  }

  @Test func targetsAreAsIfOpenedHere() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 3 << 20)
    for isReadOnly in [false, true] {
      for allowsDiscard in [false, true] {
        let wanted = BlockTarget.Request(
          path: path, isReadOnly: isReadOnly, allowsDiscard: allowsDiscard)
        let expected = try BlockTarget(opening: wanted).geometry
        let target = try open(wanted)
        #expect(target.geometry == expected)
        #expect(target.currentCapacityBytes == 3 << 20)
      }
    }
  }

  @Test func errorsComeThrough() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 1 << 20)
    let holder = try open(request(path))
    for path in [path, path + ".no", "relative", "/dev/null", "/", ""] {
      var expected: BlockTargetError?
      do throws(BlockTargetError) {
        _ = try BlockTarget(opening: request(path))
      } catch {
        expected = error
      }
      let error = try #require(expected)
      #expect(throws: error) { _ = try self.open(self.request(path)) }
    }
    #expect(holder.isBlockDevice == false)
  }

  @Test(arguments: [
    BlockTargetError.notAbsolute("/x"), .missing("/x"), .wrongKind("/x"), .inUse("/x"),
    .readOnly("/x"), .noDirectIO("/x"), .empty("/x"), .system("measure", "/x", .ioError),
  ])
  func everyErrorHasItsAnswer(_ error: BlockTargetError) {
    let bytes = TargetOpening.bytes(of: error)
    #expect(throws: error) {
      _ = try TargetOpening.target(of: Opener.Answer(bytes: bytes, file: nil), path: "/x")
    }
  }

  /// The child is one of ours, but its answers are read like anybody's.
  @Test func answersThatAreNone() {
    for bytes in [[], [0], [0, 1, 2], [99], [8], [UInt8](repeating: 0, count: 57)] as [[UInt8]] {
      #expect(throws: BlockTargetError.self) {
        _ = try TargetOpening.target(of: Opener.Answer(bytes: bytes, file: nil), path: "/x")
      }
    }
  }

  @Test func announcingOpensNothing() throws {
    guard let scratch else { return }
    let path = scratch.makeFile("disk", byteCount: 1 << 20)
    var answer = TargetOpening.serve(TargetOpening.message(.announce, request(path)))
    let isNothing = answer.file.take() == nil
    #expect(isNothing)
  }
}
