/// A listing that is too long for one message, collected piece by piece (`XS_DIRECTORY_PART`).
///
/// Each piece names the node's generation; when it changes, names may have moved across the
/// offset that we ask for, so the collection starts again.
struct XenStoreListing {
  /// A node that changes this often while we list it is being changed to keep us busy.
  static let restartCountMax = 8
  /// xenstored's default for the nodes that one domain owns is 1000; with long names and with
  /// Dom0's nodes this is still far away from anything real.
  static let byteCountMax = 1 << 20

  enum Step {
    case next(XenStoreListing)
    case finished(Result<XenStoreReply, XenStoreError>)
  }

  private var generation: ArraySlice<UInt8>?
  private var names: [String] = []
  private var byteOffset = 0
  private var restartCount = 0

  /// The payload that asks for the next piece.
  func payload(for path: XenStorePath) -> [UInt8] {
    XenStoreMessage.payload(path.description, String(byteOffset))
  }

  /// Takes a piece: the generation, then names, and an empty string after the last one.
  consuming func accept(_ message: XenStoreMessage) throws(XenStoreFailure) -> Step {
    if let error = try message.serverError() {
      // A server without XS_DIRECTORY_PART cannot tell us more than that the list is too long.
      return .finished(.failure(error == .notSupported ? .tooBig : error))
    }
    try message.require(.directoryPart)
    let strings = message.strings
    guard let pieceGeneration = strings.first else {
      throw message.malformed
    }
    var listing = self
    if let generation = listing.generation, generation != pieceGeneration {
      guard listing.restartCount < Self.restartCountMax else { return .finished(.failure(.again)) }
      let restartCount = listing.restartCount + 1
      listing = XenStoreListing()
      listing.restartCount = restartCount
      return .next(listing)
    }
    listing.generation = pieceGeneration
    var piece = strings.dropFirst()
    let isLast = piece.last?.isEmpty ?? false
    if isLast { piece.removeLast() }
    guard piece.allSatisfy({ XenStorePath.isName($0) }), isLast || !piece.isEmpty else {
      throw message.malformed
    }
    for name in piece {
      listing.names.append(String(decoding: name, as: UTF8.self))
      listing.byteOffset += name.count + 1
    }
    if isLast { return .finished(.success(.list(listing.names))) }
    guard listing.byteOffset <= Self.byteCountMax else { return .finished(.failure(.tooBig)) }
    return .next(listing)
  }
}
