package import RingTransport

/// A xenstored in memory that speaks the wire protocol, and has a plain API for the test's own use.
///
/// Single-threaded and deterministic: a request is answered at the moment it is written, and
/// nothing else happens by itself.
package final class SimulatedXenStore {
  /// The limits that unprivileged domains meet.
  package var quota = StoreQuota() {
    didSet { tree.quota = quota }
  }
  var tree = StoreTree()
  /// Weakly matters not: connections live as long as the store, closed ones are skipped.
  private(set) var connections: [StoreConnection] = []
  private var ownConnection: StoreConnection?
  /// Requests that came over connections.
  package internal(set) var requestCount = 0

  /// Creates an empty store with Dom0 in it.
  package init() {
    introduce(.dom0)
  }

  /// Opens a connection from a domain.
  package func connect(
    as domain: DomainIdentifier, faults: StoreFaults = StoreFaults()
  ) -> SimulatedXenStoreTransport {
    let connection = StoreConnection(self, domain, faults)
    connections.append(connection)
    return SimulatedXenStoreTransport(connection)
  }

  /// Creates a domain's nodes as libxl does: owner Dom0, readable for the domain, with those below
  /// that are the domain's own (`libxl__domain_make`).
  package func introduce(_ domain: DomainIdentifier) {
    let path = domain.storePath
    let readable = [XenStorePermission(.none, .dom0), XenStorePermission(.read, domain)]
    change { tree throws(StoreError) in
      try tree.makeDirectory(path, as: .dom0)
      try tree.setPermissions(path, readable, as: .dom0)
      try tree.write(path.appending("domid"), Array("\(domain)".utf8), as: .dom0)
      for name in ["device", "control", "control/shutdown", "data"] {
        try tree.makeDirectory(path.appending(name), as: .dom0)
        let isOwn = name == "data" || name == "control/shutdown"
        let own = [XenStorePermission(.none, domain)]
        try tree.setPermissions(path.appending(name), isOwn ? own : readable, as: .dom0)
      }
    }
  }

  /// Ends a domain in the hypervisor: its connections close, and what it owned goes away.
  package func release(_ domain: DomainIdentifier) {
    for connection in connections where connection.domain == domain {
      connection.close()
    }
    change { tree in tree.forget(domain) }
    for connection in connections where connection.domain.isPrivileged {
      notify(connection, "@releaseDomain", isExact: true, audience: [])
    }
  }

  /// Writes a node; nil as value removes it. Traps where xenstored refuses.
  package func write(
    _ path: XenStorePath, _ value: String?, as domain: DomainIdentifier = .dom0
  ) {
    change { tree throws(StoreError) in
      guard let value else { return try tree.removeIfThere(path, as: domain) }
      try tree.write(path, Array(value.utf8), as: domain)
    }
  }

  /// Replaces a node's access list, as Dom0.
  package func setPermissions(_ path: XenStorePath, _ permissions: [XenStorePermission]) {
    change { tree throws(StoreError) in
      try tree.setPermissions(path, permissions, as: .dom0)
    }
  }

  /// A node's value; nil where there is none or where `domain` may not read it.
  package func read(_ path: XenStorePath, as domain: DomainIdentifier = .dom0) -> String? {
    let node = try? tree.require(path, .read, as: domain)
    return node.map { String(decoding: $0.value, as: UTF8.self) }
  }

  /// A node's children, none where it is missing.
  package func list(_ path: XenStorePath) -> [String] {
    tree.nodes[path]?.children ?? []
  }

  /// A node's access list.
  package func permissions(_ path: XenStorePath) -> [XenStorePermission]? {
    tree.nodes[path]?.permissions
  }

  /// All nodes at and below a path, one a line and sorted: `path = "value" (n7,r0)`.
  package func tree(below path: XenStorePath = XenStorePath("/")) -> [String] {
    tree.nodes.filter { path.contains($0.key) }
      .map { path, node in
        let value = String(decoding: node.value, as: UTF8.self)
        let access = node.permissions.map(\.description).joined(separator: ",")
        return "\(path) = \"\(value)\" (\(access))"
      }
      .sorted()
  }

  /// Several changes in one commit, as Dom0's toolstack makes them: watches fire after the last.
  package func commit(_ writes: (inout StoreBatch) -> Void) {
    var batch = StoreBatch()
    writes(&batch)
    change { tree throws(StoreError) in
      for step in batch.steps {
        switch step {
        case .write(let path, let value): try tree.write(path, Array(value.utf8), as: .dom0)
        case .remove(let path): try tree.removeIfThere(path, as: .dom0)
        case .makeDirectory(let path): try tree.makeDirectory(path, as: .dom0)
        case .setPermissions(let path, let list): try tree.setPermissions(path, list, as: .dom0)
        }
      }
    }
  }

  /// Calls `deliver` with the path of each change at or below `path`, and once at the start.
  package func observe(
    _ path: XenStorePath, as domain: DomainIdentifier = .dom0,
    deliver: @escaping (XenStorePath) -> Void
  ) {
    let connection = StoreConnection(self, domain, StoreFaults())
    connection.watches.append(
      StoreConnection.Watch(path: path, spelledPath: path, token: "", deliver: deliver))
    connections.append(connection)
    deliver(path)
  }

  /// Makes changes and tells the watches. A refusal is a mistake of the test.
  private func change(_ body: (inout StoreTree) throws(StoreError) -> Void) {
    do throws(StoreError) {
      try body(&tree)
    } catch {
      preconditionFailure("the simulated xenstored refuses: \(error)")
    }
    publishChanges()
  }

  /// Tells every watch what has changed in the tree.
  func publishChanges() {
    let changes = tree.changes
    tree.changes = []
    tree.modified = []
    tree.accessed = []
    for change in changes {
      for connection in connections {
        notify(
          connection, change.path, isExact: change.isExact, audience: change.audience)
      }
    }
  }

  private func notify(
    _ connection: StoreConnection, _ path: XenStorePath, isExact: Bool,
    audience: [[XenStorePermission]]
  ) {
    let domain = connection.domain
    guard domain.isPrivileged || audience.contains(where: { $0.allow(.read, domain) }) else {
      return
    }
    for watch in connection.watches where isExact ? watch.path == path : watch.path.contains(path) {
      connection.sendEvent(watch, path)
    }
  }
}

/// The steps of one ``SimulatedXenStore/commit(_:)``.
package struct StoreBatch {
  enum Step {
    case write(XenStorePath, String)
    case remove(XenStorePath)
    case makeDirectory(XenStorePath)
    case setPermissions(XenStorePath, [XenStorePermission])
  }

  var steps: [Step] = []

  /// Writes a node.
  package mutating func write(_ path: XenStorePath, _ value: String) {
    steps.append(.write(path, value))
  }

  /// Removes a node and all below it.
  package mutating func remove(_ path: XenStorePath) {
    steps.append(.remove(path))
  }

  /// Creates a node with an access list.
  package mutating func makeDirectory(_ path: XenStorePath, _ permissions: [XenStorePermission]) {
    steps.append(.makeDirectory(path))
    steps.append(.setPermissions(path, permissions))
  }
}
