public import Logging

/// A device's part of XenStore: reads and watches its leaf and the frontend's directory, publishes
/// what the life cycle says, and turns XenStore's answers into the life cycle's events.
///
/// The same for every kind of device. What is special, the nodes of a configuration, of a ring and
/// of the features, the owner brings along; it gets the values back in ``Event``.
///
/// A process that takes a device over is in a hurry, and XenStore is not: each answer takes the
/// toolstack's domain a turn. So the answers on which a connected device rests are kept in memory
/// that outlives the process (``StoreSnapshot``). The next process, which init tells the device's
/// configuration, has all of them at once, and XenStore's own answers a little later, as if
/// something had changed in between.
///
/// Nothing waits. One thread uses an instance.
public struct LeafStore<Transport: XenStoreTransport & ~Copyable>: ~Copyable {
  /// What XenStore had to say.
  public enum Event {
    /// The leaf's own nodes, as asked for at the start; nil for one that is not there.
    case configuration([String?])
    /// The frontend's ring nodes.
    case ring([String?], compares: Bool)
    /// What the guest was promised, as ``readPromises()`` asked for.
    case promises([String?])
    /// Values that ``read(_:token:)`` asked for.
    case values([String?], token: Int)
    /// Something for ``BackendLifecycle``.
    case lifecycle(BackendLifecycle.Event)
    /// A watch fired; the device's state is being read again already.
    case changed(XenStorePath)
  }

  private enum Purpose {
    case watch(XenStorePath)
    case configuration
    case observation
    case ring(compares: Bool)
    case promises(isAsked: Bool)
    case publication(XenbusState?)
    case values(token: Int)
  }

  /// The device's directory.
  public let leaf: BackendLeaf
  private let log: Logger
  private var client: XenStoreClient<Transport>
  private var batches: [XenStoreBatchIdentifier: Purpose] = [:]
  /// The frontend's directory, once the configuration named one.
  private var frontend: XenStorePath?
  private var canObserve = false
  private var isObserving = false
  /// Set when a watch fired while the nodes were being read: read them again.
  private var observesAgain = false
  /// Watches whose first event, which says nothing but that they are set, is still to come. The
  /// last of these events has the nodes read: XenStore has an answer to each question, and a whole
  /// domain at work for it.
  private var announcements: [XenStorePath] = []
  private var memory: LeafMemory
  /// What the frontend said of its ring last.
  private var ring: [String?] = []
  /// What waits until the device is taken over: Linux's device for XenStore holds up whoever sets a
  /// watch until XenStore has answered.
  private var postponed: [(operations: [XenStoreOperation], purpose: Purpose)] = []

  /// Takes over a fresh connection. Nothing happens before ``start(reading:)``.
  ///
  /// - Parameters:
  ///   - promiseNodes: nodes of the leaf on which a connected guest relies.
  ///   - memory: where answers are kept for the next process.
  public init(
    leaf: BackendLeaf, client: consuming XenStoreClient<Transport>, log: Logger,
    promiseNodes: [String], memory: (any StateMemory)?
  ) {
    self.leaf = leaf
    self.client = client
    self.log = log
    self.memory = LeafMemory(promiseNodes: promiseNodes, memory: memory)
  }

  /// Watches the leaf and reads nodes of it, answered by ``Event/configuration(_:)``.
  ///
  /// - Parameter known: what the nodes say according to init, which nobody but the toolstack can
  ///   change. Who takes the nodes' place in use has to watch them.
  public mutating func start(reading nodes: [String], knowing known: LeafConfiguration) {
    if let values = known.list(nodes), memory.answerConfiguration(values) {
      log.debug("the configuration is known")
    } else {
      batches[client.submit(nodes.map { .read(leaf.node($0)) })] = .configuration
    }
    watch(leaf.path, token: "leaf")
  }

  /// Begins to observe the device, with the frontend where the configuration names one. A leaf that
  /// cannot be understood has none, but is to be answered all the same.
  public mutating func startObserving(frontend: XenStorePath?) {
    self.frontend = frontend
    canObserve = true
    memory.startObserving(hasFrontend: frontend != nil)
    if let frontend { watch(frontend.appending("state"), token: "frontend") }
    if announcements.isEmpty { observe() }
  }

  /// Watches one more node; its changes come as ``Event/changed(_:)``.
  public mutating func watch(_ path: XenStorePath) {
    watch(path, token: "device")
  }

  private mutating func watch(_ path: XenStorePath, token: String) {
    announcements.append(path)
    submit([.watch(path, token: token)], for: .watch(path))
  }

  private mutating func forgetAnnouncement(of path: XenStorePath) -> Bool {
    guard let index = announcements.firstIndex(where: { $0 == path }) else { return false }
    announcements.remove(at: index)
    return true
  }

  /// Reads nodes of the frontend's directory, answered by ``Event/ring(_:compares:)`` with all of
  /// them.
  ///
  /// - Parameter nodes: all that a connection is made from, or, to compare, the last ones of them.
  public mutating func readRing(_ nodes: [String], compares: Bool) {
    guard let frontend, compares || !memory.answerRing(nodeCount: nodes.count) else { return }
    submit(nodes.map { .read(frontend.appending($0)) }, for: .ring(compares: compares))
  }

  /// Reads what the guest was promised, answered by ``Event/promises(_:)``.
  public mutating func readPromises() {
    if !memory.answerPromises() { submitPromises(isAsked: true) }
  }

  private mutating func submitPromises(isAsked: Bool) {
    submit(
      memory.promiseNodes.map { .read(leaf.node($0)) }, for: .promises(isAsked: isAsked))
  }

  /// Reads any nodes, answered by ``Event/values(_:token:)``.
  public mutating func read(_ paths: [XenStorePath], token: Int) {
    submit(paths.map { .read($0) }, for: .values(token: token))
  }

  /// Writes a state with what belongs to it, in one transaction; answered by the life cycle's
  /// `published` or `publishFailed`.
  public mutating func publish(_ state: XenbusState, with operations: [XenStoreOperation]) {
    log.debug("publishing", metadata: ["state": "\(state)"])
    let all = operations + [.write(leaf.node("state"), state.text)]
    memory.forgetConnection()
    submit(all, transaction: all.count > 1, for: .publication(state))
  }

  /// Tells the toolstack and the administrator why the device does not work. Answered like
  /// ``publish(_:with:)``.
  public mutating func publishFailure(_ reason: String) {
    log.error("the device cannot be served", metadata: ["reason": "\(reason)"])
    memory.forgetConnection()
    submit(
      [
        .write(leaf.node("hotplug-error"), reason),
        .write(leaf.node("hotplug-status"), "error"),
        .write(leaf.node("error"), reason),
        .write(leaf.node("state"), XenbusState.closed.text),
      ], transaction: true, for: .publication(nil))
  }

  /// Removes the leaf. Answered like ``publish(_:with:)``.
  public mutating func removeLeaf() {
    memory.forgetConnection()
    submit([.remove(leaf.path)], for: .publication(nil))
  }

  /// What to wait for.
  public var fileDescriptor: Int32 { client.fileDescriptor }

  /// Whether to wake up when there is room for output.
  public var wantsToWrite: Bool { client.wantsToWrite }

  /// Reads and writes what is possible now; then events may have come.
  public mutating func process() throws(XenStoreFailure) {
    try client.process()
  }

  /// The next event, nil when there is none. A request can bring events at once, so ask before
  /// every wait.
  public mutating func nextEvent() -> Event? {
    if let answer = memory.nextAnswer() {
      if case .ring(let values) = answer { ring = values }
      return answer.event()
    }
    if !postponed.isEmpty, !memory.isAwaited {
      for (operations, purpose) in exchange(&postponed, with: []) {
        batches[client.submit(operations)] = purpose
      }
    }
    while let event = client.nextEvent() {
      switch event {
      case .watch(let path, _):
        let isAnnouncement = forgetAnnouncement(of: path)
        if !isAnnouncement || announcements.isEmpty { observe() }
        return .changed(path)
      case .completed(let identifier, let results):
        guard let purpose = batches.removeValue(forKey: identifier) else { continue }
        if let event = finish(purpose, results) { return event }
      }
    }
    return nil
  }

  private mutating func submit(
    _ operations: [XenStoreOperation], transaction: Bool = false, for purpose: Purpose
  ) {
    if memory.isAwaited, !transaction {
      postponed.append((operations, purpose))
    } else {
      batches[client.submit(operations, transaction: transaction)] = purpose
    }
  }

  /// Reads all that the life cycle judges by; at most one reading is under way.
  private mutating func observe() {
    guard canObserve else { return }
    guard !isObserving else {
      observesAgain = true
      return
    }
    isObserving = true
    var nodes = [leaf.path, leaf.node("state"), leaf.node("online")]
    if let frontend { nodes += [frontend, frontend.appending("state")] }
    submit(nodes.map { .read($0) }, for: .observation)
  }

  private mutating func finish(
    _ purpose: Purpose, _ results: [Result<XenStoreReply, XenStoreError>]
  ) -> Event? {
    let values = results.map { result -> String? in
      if case .success(.value(let value)) = result { value } else { nil }
    }
    switch purpose {
    case .watch(let path):
      if case .failure(let error)? = results.first {
        log.error("cannot watch", metadata: ["error": "\(error)"])
        _ = forgetAnnouncement(of: path)
        if announcements.isEmpty { observe() }
      }
      return nil
    case .configuration:
      memory.noteConfiguration(values)
      return .configuration(values)
    case .observation:
      let observation = takeObservation(values)
      memory.note(observation)
      return .lifecycle(.observed(observation))
    case .ring(let compares):
      ring = compares ? ring.dropLast(values.count) + values : values
      memory.noteRing(ring)
      return .ring(ring, compares: compares)
    case .promises(let isAsked):
      memory.notePromises(values)
      return isAsked ? .promises(values) : nil
    case .publication(let state):
      let outcome = Self.outcome(of: results)
      if outcome == .published, state == .connected { submitPromises(isAsked: false) }
      return .lifecycle(outcome)
    case .values(let token): return .values(values, token: token)
    }
  }

  private mutating func takeObservation(_ values: [String?]) -> BackendLifecycle.Observation {
    isObserving = false
    var frontendState: XenbusState? = .unknown
    if values.count > 3 {
      frontendState = values[3].map { _ in values[4].map(XenbusState.init(text:)) ?? .unknown }
    }
    if observesAgain {
      observesAgain = false
      observe()
    }
    return BackendLifecycle.Observation(
      leafExists: values[0] != nil,
      backendState: values[1].map(XenbusState.init(text:)),
      online: values[2] == "1",
      frontendState: frontendState)
  }

  /// Whether XenStore took all of a batch; what was undone because of another error does not count.
  private static func outcome(
    of results: [Result<XenStoreReply, XenStoreError>]
  ) -> BackendLifecycle.Event {
    for case .failure(let error) in results {
      switch error {
      case .aborted: continue
      case .noEntry, .accessDenied: return .publishFailed(.leafIsGone)
      default: return .publishFailed(.refused("XenStore refuses to write: \(error)"))
      }
    }
    return .published
  }
}
