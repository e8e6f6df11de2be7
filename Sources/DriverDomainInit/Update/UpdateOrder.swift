import RingTransport

/// What Dom0 asks for in `data/driver-domain/update/block-backend`: a file to run instead of the
/// program.
struct UpdateOrder: Equatable {
  var role: BackendPrograms.Role
  var file: String

  /// Why an order is refused.
  struct Refusal: Error, Equatable {
    var reason: String
  }

  /// The orders for all programs.
  static let reads = BackendPrograms.Role.allCases.map {
    XenStoreOperation.read(DomainStatus.updateDirectory.appending($0.rawValue))
  }

  /// Reads a path.
  ///
  /// - Parameter directories: where files may be: volumes. Nil for anywhere.
  init(
    _ text: String, _ role: BackendPrograms.Role, directories: [String]?
  ) throws(Refusal) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    guard text.hasPrefix("/"), !text.utf8.contains(0),
      !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." })
    else { throw Refusal(reason: "'\(text)' is no absolute path of a file") }
    let isOnVolume = directories?.contains { text.hasPrefix($0.hasSuffix("/") ? $0 : $0 + "/") }
    guard isOnVolume ?? true else {
      throw Refusal(reason: "'\(text)' is on no volume that is mounted")
    }
    self.role = role
    file = text
  }
}
