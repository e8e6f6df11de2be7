import RingTransport
import SystemPackage

/// Opening a target by an ``Opener``: what is asked, and what is answered.
///
/// A request's name is a byte with the flags of ``Flags``, then the path. An answer is a byte that
/// says what came of it, then what belongs to that.
enum TargetOpening {
  enum Verb: UInt8 {
    /// Only to lay down which target it is.
    case announce
    case open
  }

  private struct Flags: OptionSet {
    let rawValue: UInt8
    static let readOnly = Flags(rawValue: 1)
    static let allowsDiscard = Flags(rawValue: 2)
  }

  /// The first byte of an answer; for failures the cases of ``BlockTargetError``.
  private enum Outcome: UInt8 {
    case opened
    case notAbsolute
    case missing
    case wrongKind
    case inUse
    case readOnly
    case noDirectIO
    case empty
    case system
  }

  // MARK: In the sandbox

  /// Lays down which target it is.
  static func announce(_ request: BlockTarget.Request, to opener: Opener) {
    // A child that is gone is an error when there is something to open.
    _ = try? opener.open(message(.announce, request))
  }

  /// Has a target opened and measured.
  static func open(
    _ request: BlockTarget.Request, by opener: Opener
  ) throws(BlockTargetError) -> BlockTarget {
    let answer: Opener.Answer
    do throws(Errno) {
      answer = try opener.open(message(.open, request))
    } catch {
      throw .system("open", request.path, error)
    }
    return try target(of: answer, path: request.path)
  }

  /// Reads an answer.
  static func target(
    of answer: consuming Opener.Answer, path: String
  ) throws(BlockTargetError) -> BlockTarget {
    let bytes = answer.bytes
    if let error = failure(bytes, path: path) { throw error }
    guard let file = answer.file.take(), let (geometry, isBlockDevice) = measures(bytes) else {
      throw .system("open", path, .badMessage)
    }
    return BlockTarget(adopting: file, isBlockDevice: isBlockDevice, geometry: geometry)
  }

  /// A request.
  static func message(_ verb: Verb, _ request: BlockTarget.Request) -> Opener.Request {
    var flags: Flags = []
    if request.isReadOnly { flags.insert(.readOnly) }
    if request.allowsDiscard { flags.insert(.allowsDiscard) }
    return Opener.Request(
      verb: verb.rawValue, name: [flags.rawValue] + Array(request.path.utf8))
  }

  private static func failure(_ bytes: [UInt8], path: String) -> BlockTargetError? {
    switch bytes.first.flatMap(Outcome.init(rawValue:)) {
    case .opened: nil
    case .notAbsolute: .notAbsolute(path)
    case .missing: .missing(path)
    case .wrongKind: .wrongKind(path)
    case .inUse: .inUse(path)
    case .readOnly: .readOnly(path)
    case .noDirectIO: .noDirectIO(path)
    case .empty: .empty(path)
    case .system:
      .system(
        String(decoding: bytes.dropFirst(1 + 8), as: UTF8.self), path,
        Errno(rawValue: CInt(truncatingIfNeeded: integer(bytes, 0) ?? 0)))
    case nil: .system("open", path, .badMessage)
    }
  }

  /// How many integers say how large a target is and what it can do.
  private static let measureCount = 7

  private static func measures(_ bytes: [UInt8]) -> (BlockGeometry, Bool)? {
    let words = (0..<measureCount).compactMap { integer(bytes, $0) }
    guard words.count == measureCount else { return nil }
    var geometry = BlockGeometry(capacityBytes: words[0])
    geometry.logicalSectorByteCount = Int(truncatingIfNeeded: words[1])
    geometry.physicalSectorByteCount = Int(truncatingIfNeeded: words[2])
    geometry.isReadOnly = words[3] != 0
    if words[4] != 0 {
      geometry.discard = .init(granularityBytes: words[4], alignmentBytes: words[5])
    }
    return (geometry, words[6] != 0)
  }

  private static func integer(_ bytes: [UInt8], _ index: Int) -> UInt64? {
    let start = 1 + index * 8
    guard bytes.count >= start + 8 else { return nil }
    return bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  // MARK: Outside

  /// Does what is asked. The name was laid down before the guest was looked at.
  static func serve(_ request: Opener.Request) -> Opener.Answer {
    guard Verb(rawValue: request.verb) == .open, let first = request.name.first else {
      return Opener.Answer(bytes: [], file: nil)
    }
    let flags = Flags(rawValue: first)
    let wanted = BlockTarget.Request(
      path: String(decoding: request.name.dropFirst(), as: UTF8.self),
      isReadOnly: flags.contains(.readOnly), allowsDiscard: flags.contains(.allowsDiscard))
    do throws(BlockTargetError) {
      let target = try BlockTarget(opening: wanted)
      let bytes = [Outcome.opened.rawValue] + measures(of: target)
      return Opener.Answer(bytes: bytes, file: target.release())
    } catch {
      return Opener.Answer(bytes: bytes(of: error), file: nil)
    }
  }

  private static func measures(of target: borrowing BlockTarget) -> [UInt8] {
    let geometry = target.geometry
    // A granularity of 0 stands for no discard.
    let words = [
      geometry.capacityBytes, UInt64(geometry.logicalSectorByteCount),
      UInt64(geometry.physicalSectorByteCount), geometry.isReadOnly ? 1 : 0,
      geometry.discard?.granularityBytes ?? 0, geometry.discard?.alignmentBytes ?? 0,
      target.isBlockDevice ? 1 : 0,
    ]
    return words.flatMap { bytes(of: $0) }
  }

  private static func bytes(of word: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
  }

  static func bytes(of error: BlockTargetError) -> [UInt8] {
    switch error {
    case .notAbsolute: [Outcome.notAbsolute.rawValue]
    case .missing: [Outcome.missing.rawValue]
    case .wrongKind: [Outcome.wrongKind.rawValue]
    case .inUse: [Outcome.inUse.rawValue]
    case .readOnly: [Outcome.readOnly.rawValue]
    case .noDirectIO: [Outcome.noDirectIO.rawValue]
    case .empty: [Outcome.empty.rawValue]
    case .system(let call, _, let errno):
      [Outcome.system.rawValue] + bytes(of: UInt64(UInt32(bitPattern: errno.rawValue)))
        + Array(call.utf8)
    }
  }
}
