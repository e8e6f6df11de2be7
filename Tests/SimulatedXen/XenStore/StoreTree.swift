package import RingTransport

/// What a simulated xenstored refuses with; the raw value is the name on the wire.
package enum StoreError: String, Error {
  case invalidArgument = "EINVAL"
  case accessDenied = "EACCES"
  case alreadyExists = "EEXIST"
  case noEntry = "ENOENT"
  case noSpace = "ENOSPC"
  case again = "EAGAIN"
  case tooBig = "E2BIG"
  case busy = "EBUSY"
  case notPermitted = "EPERM"
  case notSupported = "ENOSYS"
}

/// A node of the store.
package struct StoreNode: Equatable {
  /// The value, any bytes.
  package var value: [UInt8] = []
  /// The access list; the first entry is the owner's.
  package var permissions: [XenStorePermission]
  /// The children in the order of their creation, as in C xenstored.
  package var children: [String] = []
  /// Changes with the value, the access list and the children.
  package var generation: UInt64 = 0
}

/// A change that watches are told of.
struct StoreChange {
  var path: XenStorePath
  /// A removed node's descendant: only a watch on exactly this path hears of it.
  var isExact = false
  /// Who may hear of it: the access lists of the node before and after, and of its parent.
  var audience: [[XenStorePermission]]
}

/// The tree with C xenstored's rules about who may do what (`xenstored_core.c` of Xen 4.17).
///
/// A value: a transaction works on a copy, and remembers what it looked at.
struct StoreTree {
  private(set) var nodes: [XenStorePath: StoreNode] = [
    "/": StoreNode(permissions: [XenStorePermission(.none, DomainIdentifier(rawValue: 0))])
  ]
  /// Every path that was looked at, existing or not.
  var accessed: Set<XenStorePath> = []
  /// Every path that was changed, in the order of the changes.
  var modified: [XenStorePath] = []
  var changes: [StoreChange] = []
  var lastGeneration: UInt64 = 0
  var quota = StoreQuota()

  mutating func node(_ path: XenStorePath) -> StoreNode? {
    accessed.insert(path)
    return nodes[path]
  }

  mutating func set(_ path: XenStorePath, _ node: StoreNode?) {
    accessed.insert(path)
    modified.append(path)
    lastGeneration += 1
    nodes[path] = node
    nodes[path]?.generation = lastGeneration
  }

  /// The node, where `domain` has `access` to it (`get_node`).
  mutating func require(
    _ path: XenStorePath, _ access: StoreAccess, as domain: DomainIdentifier
  ) throws(StoreError) -> StoreNode {
    if let node = node(path) {
      guard node.permissions.allow(access, domain) else { throw .accessDenied }
      return node
    }
    // Who may not look at the nearest ancestor does not learn that the node is missing
    // (`errno_from_parents`).
    var ancestor = path.parent
    while let path = ancestor {
      if let node = node(path) {
        throw node.permissions.allow(access, domain) ? .noEntry : .accessDenied
      }
      ancestor = path.parent
    }
    throw .noEntry
  }

  mutating func write(
    _ path: XenStorePath, _ value: [UInt8], as domain: DomainIdentifier
  ) throws(StoreError) {
    guard domain.isPrivileged || value.count <= quota.valueByteCountMax else { throw .noSpace }
    var node: StoreNode
    do throws(StoreError) {
      node = try require(path, .write, as: domain)
    } catch .noEntry {
      node = try create(path, as: domain)
    }
    node.value = value
    set(path, node)
    changes.append(change(at: path, node.permissions))
  }

  mutating func makeDirectory(
    _ path: XenStorePath, as domain: DomainIdentifier
  ) throws(StoreError) {
    do throws(StoreError) {
      _ = try require(path, .write, as: domain)
    } catch .noEntry {
      let node = try create(path, as: domain)
      changes.append(change(at: path, node.permissions))
    }
  }

  mutating func remove(_ path: XenStorePath, as domain: DomainIdentifier) throws(StoreError) {
    guard let parent = path.parent else { throw .invalidArgument }
    do throws(StoreError) {
      _ = try require(path, .write, as: domain)
    } catch .noEntry {
      guard node(parent) != nil else { throw .noEntry }
      return
    }
    removeSubtree(path, isExact: false)
    if var node = node(parent) {
      node.children.removeAll { $0 == path.lastComponent }
      set(parent, node)
    }
  }

  /// As ``remove(_:as:)`` where a missing parent is fine too, as it is to libxl.
  mutating func removeIfThere(
    _ path: XenStorePath, as domain: DomainIdentifier
  ) throws(StoreError) {
    do throws(StoreError) {
      try remove(path, as: domain)
    } catch .noEntry {}
  }

  mutating func setPermissions(
    _ path: XenStorePath, _ permissions: [XenStorePermission], as domain: DomainIdentifier
  ) throws(StoreError) {
    guard let owner = permissions.first else { throw .invalidArgument }
    var node = try require(path, .own, as: domain)
    guard domain.isPrivileged || owner.domain == domain else { throw .notPermitted }
    let before = node.permissions
    node.permissions = permissions
    set(path, node)
    var change = change(at: path, permissions)
    change.audience.append(before)
    changes.append(change)
  }

  /// Drops what a dead domain owned, and its entries in other access lists.
  mutating func forget(_ domain: DomainIdentifier) {
    let paths = nodes.keys.sorted { $0.description < $1.description }
    for path in paths {
      guard var node = nodes[path] else { continue }
      if node.permissions.first?.domain == domain {
        try? remove(path, as: DomainIdentifier(rawValue: 0))
      } else if node.permissions.contains(where: { $0.domain == domain }) {
        node.permissions.removeAll { $0.domain == domain }
        set(path, node)
      }
    }
  }

  /// Creates a node and its missing ancestors with the access list of the nearest one there is;
  /// an unprivileged creator becomes the owner (`construct_node`).
  private mutating func create(
    _ path: XenStorePath, as domain: DomainIdentifier
  ) throws(StoreError) -> StoreNode {
    guard let parentPath = path.parent else { throw .invalidArgument }
    var parent: StoreNode
    if let existing = node(parentPath) {
      parent = existing
    } else {
      parent = try create(parentPath, as: domain)
    }
    var permissions = parent.permissions
    if !domain.isPrivileged, let owner = permissions.first {
      let owned = nodes.values.count { $0.permissions.first?.domain == domain }
      guard owned < quota.nodeCountMax else { throw .noSpace }
      permissions[0] = XenStorePermission(owner.access, domain)
    }
    parent.children.append(path.lastComponent)
    set(parentPath, parent)
    let node = StoreNode(permissions: permissions)
    set(path, node)
    return node
  }

  private mutating func removeSubtree(_ path: XenStorePath, isExact: Bool) {
    guard let node = node(path) else { return }
    var removal = change(at: path, node.permissions)
    removal.isExact = isExact
    changes.append(removal)
    for child in node.children {
      removeSubtree(path.appending(child), isExact: true)
    }
    set(path, nil)
  }

  private func change(at path: XenStorePath, _ permissions: [XenStorePermission]) -> StoreChange {
    let parent = path.parent.flatMap { nodes[$0]?.permissions }
    return StoreChange(path: path, audience: [permissions] + (parent.map { [$0] } ?? []))
  }
}
