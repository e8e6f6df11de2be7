/// How each operation is spelled on the wire (`docs/misc/xenstore.txt` of Xen).
extension XenStoreOperation {
  var messageKind: XenStoreMessage.Kind {
    switch self {
    case .read: .read
    case .write: .write
    case .makeDirectory: .makeDirectory
    case .remove: .remove
    case .list: .directory
    case .permissions: .getPermissions
    case .setPermissions: .setPermissions
    case .domainPath: .getDomainPath
    case .watch: .watch
    case .unwatch: .unwatch
    }
  }

  /// What follows the header. A value has no NUL at its end, all else has.
  var payload: [UInt8] {
    switch self {
    case .read(let path), .makeDirectory(let path), .remove(let path), .list(let path),
      .permissions(let path):
      XenStoreMessage.payload(path.description)
    case .write(let path, let value):
      XenStoreMessage.payload(path.description) + Array(value.utf8)
    case .setPermissions(let path, let permissions):
      permissions.reduce(into: XenStoreMessage.payload(path.description)) {
        $0 += XenStoreMessage.payload($1.description)
      }
    case .domainPath(let domain):
      XenStoreMessage.payload(domain.description)
    case .watch(let path, let token), .unwatch(let path, let token):
      XenStoreMessage.payload(path.description, token)
    }
  }

  /// Reads the answer to this operation.
  ///
  /// - Throws: a malformation where the server did not keep to the protocol.
  func reply(
    from message: XenStoreMessage
  ) throws(XenStoreFailure) -> Result<XenStoreReply, XenStoreError> {
    if let error = try message.serverError() { return .failure(error) }
    try message.require(messageKind)
    switch self {
    case .read:
      return .success(.value(String(decoding: message.payload, as: UTF8.self)))
    case .list:
      return .success(.list(try message.names()))
    case .permissions:
      return .success(.permissions(try message.permissions()))
    case .domainPath:
      return .success(.value(try message.string()))
    case .write, .makeDirectory, .remove, .setPermissions, .watch, .unwatch:
      return .success(.done)
    }
  }
}

extension XenStoreMessage {
  var malformed: XenStoreFailure { .malformed(.payload(type: kind.rawValue)) }

  func require(_ expected: Kind) throws(XenStoreFailure) {
    guard kind == expected else {
      throw .malformed(.replyType(kind.rawValue, expected: expected.rawValue))
    }
  }

  /// The error that the message is, where it is one.
  func serverError() throws(XenStoreFailure) -> XenStoreError? {
    guard kind == .error else { return nil }
    return XenStoreError(name: try string())
  }

  /// A payload of one string.
  func string() throws(XenStoreFailure) -> String {
    guard let first = strings.first else { throw malformed }
    return String(decoding: first, as: UTF8.self)
  }

  /// A payload of one decimal number.
  func number() throws(XenStoreFailure) -> UInt32 {
    guard let number = UInt32(try string()) else { throw malformed }
    return number
  }

  /// A listing. Names are checked here, so that appending one to a path cannot trap.
  func names() throws(XenStoreFailure) -> [String] {
    guard strings.allSatisfy({ XenStorePath.isName($0) }) else { throw malformed }
    return strings.map { String(decoding: $0, as: UTF8.self) }
  }

  func permissions() throws(XenStoreFailure) -> [XenStorePermission] {
    var permissions: [XenStorePermission] = []
    for string in strings {
      guard let permission = XenStorePermission(String(decoding: string, as: UTF8.self)) else {
        throw malformed
      }
      permissions.append(permission)
    }
    return permissions
  }

  /// A watch event: the path, the token, and in some versions more strings.
  func watchEvent() throws(XenStoreFailure) -> (path: XenStorePath, token: String) {
    guard strings.count >= 2,
      let path = XenStorePath(String(decoding: strings[0], as: UTF8.self))
    else { throw malformed }
    return (path, String(decoding: strings[1], as: UTF8.self))
  }
}
