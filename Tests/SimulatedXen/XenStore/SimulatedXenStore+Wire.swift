import RingTransport

/// The server's side of the wire protocol (`docs/misc/xenstore.txt`).
extension SimulatedXenStore {
  func answer(_ message: XenStoreMessage, on connection: StoreConnection) {
    requestCount += 1
    do throws(StoreError) {
      let payload = try reply(to: message, on: connection)
      connection.send(message.reply(message.kind, payload))
      if message.kind == .watch { sendInitialEvent(to: connection) }
    } catch {
      connection.send(message.reply(.error, XenStoreMessage.payload(error.rawValue)))
    }
    publishChanges()
  }

  private func reply(
    to message: XenStoreMessage, on connection: StoreConnection
  ) throws(StoreError) -> [UInt8] {
    let strings = message.strings.map { String(decoding: $0, as: UTF8.self) }
    let done = XenStoreMessage.payload("OK")
    switch message.kind {
    case .transactionStart: return try startTransaction(message, connection)
    case .transactionEnd:
      try endTransaction(message, connection, commits: strings.first == "T")
      return done
    case .watch:
      guard strings.count == 2 else { throw .invalidArgument }
      try addWatch(strings[0], strings[1], connection)
      return done
    case .unwatch:
      guard strings.count == 2 else { throw .invalidArgument }
      let path = try absolutePath(strings[0], connection)
      guard
        let index = connection.watches.firstIndex(where: {
          $0.path == path && $0.token == strings[1]
        })
      else { throw .noEntry }
      connection.watches.remove(at: index)
      return done
    case .getDomainPath:
      guard let domain = strings.first.flatMap({ UInt16($0) }) else { throw .invalidArgument }
      return XenStoreMessage.payload(DomainIdentifier(rawValue: domain).storePath.description)
    default:
      return try replyFromTree(to: message, strings, connection)
    }
  }

  private func replyFromTree(
    to message: XenStoreMessage, _ strings: [String], _ connection: StoreConnection
  ) throws(StoreError) -> [UInt8] {
    guard message.transaction != 0 else {
      return try Self.apply(message, strings, connection, to: &tree)
    }
    guard var transaction = connection.transactions[message.transaction] else { throw .noEntry }
    // What was looked at counts for the conflict test even where the request fails.
    defer { connection.transactions[message.transaction] = transaction }
    return try Self.apply(message, strings, connection, to: &transaction.tree)
  }

  private static func apply(
    _ message: XenStoreMessage, _ strings: [String], _ connection: StoreConnection,
    to tree: inout StoreTree
  ) throws(StoreError) -> [UInt8] {
    guard let first = strings.first else { throw .invalidArgument }
    let path = try absolutePath(first, connection)
    let domain = connection.domain
    let done = XenStoreMessage.payload("OK")
    switch message.kind {
    case .read:
      return try tree.require(path, .read, as: domain).value
    case .directory:
      let node = try tree.require(path, .read, as: domain)
      let payload = node.children.flatMap { XenStoreMessage.payload($0) }
      guard payload.count <= XenStoreMessage.payloadByteCountMax else { throw .tooBig }
      return payload
    case .directoryPart:
      let node = try tree.require(path, .read, as: domain)
      return directoryPart(of: node, offset: strings.count > 1 ? Int(strings[1]) ?? 0 : 0)
    case .getPermissions:
      let node = try tree.require(path, .read, as: domain)
      return node.permissions.flatMap { XenStoreMessage.payload($0.description) }
    case .setPermissions:
      let permissions = strings.dropFirst().compactMap { XenStorePermission($0) }
      guard permissions.count == strings.count - 1 else { throw .invalidArgument }
      try tree.setPermissions(path, permissions, as: domain)
      return done
    case .write:
      guard let end = message.payload.firstIndex(of: 0) else { throw .invalidArgument }
      try tree.write(path, Array(message.payload[(end + 1)...]), as: domain)
      return done
    case .makeDirectory:
      try tree.makeDirectory(path, as: domain)
      return done
    case .remove:
      try tree.remove(path, as: domain)
      return done
    default:
      throw .notSupported
    }
  }

  /// `send_directory_part`: the generation, whole names as far as they fit, and an empty string
  /// after the last one.
  private static func directoryPart(of node: StoreNode, offset: Int) -> [UInt8] {
    var payload = XenStoreMessage.payload(String(node.generation))
    let all = node.children.flatMap { XenStoreMessage.payload($0) }
    guard offset >= 0, offset < all.count else { return payload + [0] }
    let byteCountMax = XenStoreMessage.payloadByteCountMax - payload.count - 1
    var end = offset
    while end < all.count, let next = all[end...].firstIndex(of: 0), next - offset < byteCountMax {
      end = next + 1
    }
    payload += all[offset..<end]
    if end == all.count { payload.append(0) }
    return payload
  }

  private func startTransaction(
    _ message: XenStoreMessage, _ connection: StoreConnection
  ) throws(StoreError) -> [UInt8] {
    guard message.transaction == 0 else { throw .busy }
    guard connection.transactions.count < quota.transactionCountMax else { throw .noSpace }
    connection.lastTransaction += 1
    connection.transactions[connection.lastTransaction] =
      StoreConnection.Transaction(base: tree, tree: tree)
    return XenStoreMessage.payload(String(connection.lastTransaction))
  }

  /// A commit succeeds only if no node that the transaction looked at has changed since
  /// (`finalize_transaction`).
  private func endTransaction(
    _ message: XenStoreMessage, _ connection: StoreConnection, commits: Bool
  ) throws(StoreError) {
    guard let transaction = connection.transactions.removeValue(forKey: message.transaction) else {
      throw .noEntry
    }
    guard commits else { return }
    let isConflict = transaction.tree.accessed.contains {
      tree.nodes[$0]?.generation != transaction.base.nodes[$0]?.generation
    }
    guard !isConflict,
      !connection.generator.chance(percent: connection.faults.conflictPercent)
    else {
      connection.conflictCount += 1
      throw .again
    }
    for path in transaction.tree.modified {
      tree.set(path, transaction.tree.nodes[path])
    }
    tree.changes += transaction.tree.changes
  }

  private func addWatch(
    _ path: String, _ token: String, _ connection: StoreConnection
  ) throws(StoreError) {
    guard connection.watches.count < quota.watchCountMax else { throw .noSpace }
    guard let spelled = XenStorePath(path) else { throw .invalidArgument }
    let absolute = try absolutePath(path, connection)
    guard !connection.watches.contains(where: { $0.path == absolute && $0.token == token }) else {
      throw .alreadyExists
    }
    connection.watches.append(
      StoreConnection.Watch(path: absolute, spelledPath: spelled, token: token, deliver: nil))
  }

  /// Every watch fires once at the start, even where there is no such node.
  private func sendInitialEvent(to connection: StoreConnection) {
    guard let watch = connection.watches.last else { return }
    connection.sendEvent(watch, watch.path)
  }

  private func absolutePath(
    _ string: String, _ connection: StoreConnection
  ) throws(StoreError) -> XenStorePath {
    try Self.absolutePath(string, connection)
  }

  private static func absolutePath(
    _ string: String, _ connection: StoreConnection
  ) throws(StoreError) -> XenStorePath {
    guard let path = XenStorePath(string) else { throw .invalidArgument }
    if path.isAbsolute || string.first == "@" { return path }
    return connection.domain.storePath.appending(string)
  }
}

extension StoreConnection {
  func sendEvent(_ watch: Watch, _ path: XenStorePath) {
    if let deliver = watch.deliver { return deliver(path) }
    let below = path.description.dropFirst(watch.path.description.count)
    let payload = XenStoreMessage.payload(watch.spelledPath.description + below, watch.token)
    send(
      XenStoreMessage(kind: .watchEvent, requestIdentifier: 0, transaction: 0, payload: payload))
  }
}

extension XenStoreMessage {
  fileprivate func reply(_ kind: Kind, _ payload: [UInt8]) -> XenStoreMessage {
    XenStoreMessage(
      kind: kind, requestIdentifier: requestIdentifier, transaction: transaction,
      payload: payload)
  }
}
