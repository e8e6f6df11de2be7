/// One request to XenStore.
public enum XenStoreOperation: Hashable, Sendable {
  /// Reads a node's value (`XS_READ`).
  case read(XenStorePath)
  /// Writes a value, creating the node and its parents (`XS_WRITE`).
  case write(XenStorePath, String)
  /// Creates a node with an empty value where there is none (`XS_MKDIR`).
  case makeDirectory(XenStorePath)
  /// Removes a node and all below it (`XS_RM`). A missing node whose parent exists is no error.
  case remove(XenStorePath)
  /// Names a node's children (`XS_DIRECTORY`, and `XS_DIRECTORY_PART` for a long list).
  case list(XenStorePath)
  /// Reads a node's access list (`XS_GET_PERMS`).
  case permissions(XenStorePath)
  /// Replaces a node's access list (`XS_SET_PERMS`).
  case setPermissions(XenStorePath, [XenStorePermission])
  /// Asks where a domain's nodes are (`XS_GET_DOMAIN_PATH`).
  case domainPath(DomainIdentifier)
  /// Asks for events about a node and all below it (`XS_WATCH`). Not in a transaction.
  case watch(XenStorePath, token: String)
  /// Ends a watch (`XS_UNWATCH`). Not in a transaction.
  case unwatch(XenStorePath, token: String)

  /// Whether the operation changes the tree, so that its failure spoils a transaction.
  public var isMutating: Bool {
    switch self {
    case .write, .makeDirectory, .remove, .setPermissions: true
    case .read, .list, .permissions, .domainPath, .watch, .unwatch: false
    }
  }

  /// Whether the operation is about watches, which xenstored keeps outside transactions.
  var concernsWatch: Bool {
    switch self {
    case .watch, .unwatch: true
    default: false
    }
  }
}

/// What a successful ``XenStoreOperation`` answers.
public enum XenStoreReply: Hashable, Sendable {
  /// The value of `read`, the path of `domainPath`. Bytes that are not UTF-8 read as U+FFFD.
  case value(String)
  /// The names of `list`; each is a valid path component.
  case list([String])
  /// The access list of `permissions`.
  case permissions([XenStorePermission])
  /// The operation answers nothing but that it was done.
  case done
}

/// Names one call of ``XenStoreClient/submit(_:transaction:)``.
public struct XenStoreBatchIdentifier: Hashable, Sendable {
  let rawValue: UInt64
}

/// What ``XenStoreClient/nextEvent()`` hands out.
public enum XenStoreEvent: Hashable, Sendable {
  /// Something at or below a watched node changed; `path` is relative where the watch is.
  ///
  /// Several changes may be folded into one event, and a flood of them into one event with the
  /// watch's own path. Read the nodes again; never count events.
  case watch(path: XenStorePath, token: String)
  /// A batch is done, with one result for each operation.
  case completed(XenStoreBatchIdentifier, [Result<XenStoreReply, XenStoreError>])
}
