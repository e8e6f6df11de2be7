/// What a ``LeafStore`` remembers of XenStore's answers: for the next process, and from the last.
///
/// Pure but for the memory. It never decides: what it answers is followed by XenStore's own answer,
/// and is only given while the guest was last seen to be connected. The memory is that of a process
/// which a guest may have taken over, so nothing in it says what a device is: the configuration
/// always comes from XenStore or from init, and has to be the one that was kept.
struct LeafMemory {
  /// An answer that an earlier process has kept.
  enum Answer: Equatable {
    case configuration([String?])
    case connected
    case promises([String?])
    case ring([String?])
  }

  let promiseNodes: [String]
  private var keeper: StoreKeeper?
  /// From an earlier process, until the configuration is known.
  private var candidate: StoreSnapshot?
  /// The same, as long as it may be used.
  private var earlier: StoreSnapshot?
  private var answers: [Answer] = []
  /// How often the owner asked in vain.
  private var emptyAnswerCount = 0
  private var configuration: [String?]?
  private var promises: [String?]?
  private var ring: [String?]?
  /// Whether the device was connected when it was last looked at.
  private var isConnected = false

  /// How often an owner may ask in vain: something else keeps it waiting, such as a target in use,
  /// and XenStore may know more. At two milliseconds each, a tenth of a second.
  private static let emptyAnswerCountMax = 50

  init(promiseNodes: [String], memory: (any StateMemory)?) {
    self.promiseNodes = promiseNodes
    keeper = memory.map(StoreKeeper.init)
    candidate = keeper?.kept
    if candidate?.promises.count != promiseNodes.count { candidate = nil }
  }

  /// The next answer for the owner, ahead of XenStore's.
  mutating func nextAnswer() -> Answer? {
    if answers.isEmpty { emptyAnswerCount += 1 }
    return answers.isEmpty ? nil : answers.removeFirst()
  }

  /// Whether the owner is still about to take the device over by what was kept.
  var isAwaited: Bool {
    !answers.isEmpty
      || (candidate != nil || earlier != nil) && emptyAnswerCount < Self.emptyAnswerCountMax
  }

  // MARK: Questions

  /// Whether a connected device with this configuration, which init has told, can be taken over at
  /// once.
  mutating func answerConfiguration(_ values: [String?]) -> Bool {
    guard candidate?.configuration == values else { return false }
    noteConfiguration(values)
    answers.append(.configuration(values))
    return true
  }

  mutating func startObserving(hasFrontend: Bool) {
    guard earlier != nil, hasFrontend else { return earlier = nil }
    answers.append(.connected)
  }

  /// Whether what the guest was promised is known.
  mutating func answerPromises() -> Bool {
    guard let earlier else { return false }
    promises = earlier.promises
    answers.append(.promises(earlier.promises))
    return true
  }

  /// Whether the ring's place is known. It is told once: whoever asks again wants to know better.
  mutating func answerRing(nodeCount: Int) -> Bool {
    guard let kept = earlier.take(), kept.ring.count == nodeCount else { return false }
    ring = kept.ring
    answers.append(.ring(kept.ring))
    return true
  }

  // MARK: Answers of XenStore

  mutating func noteConfiguration(_ values: [String?]) {
    configuration = values
    emptyAnswerCount = 0
    if candidate?.configuration == values { earlier = candidate }
    candidate = nil
  }

  mutating func note(_ observation: BackendLifecycle.Observation) {
    isConnected = observation == .connected
    guard isConnected else { return forgetRing() }
    keep()
  }

  mutating func notePromises(_ values: [String?]) {
    promises = values
    keep()
  }

  mutating func noteRing(_ values: [String?]) {
    ring = values
    keep()
  }

  /// The connection ends, or begins anew: what was known of it holds no more.
  mutating func forgetConnection() {
    isConnected = false
    promises = nil
    forgetRing()
  }

  private mutating func forgetRing() {
    candidate = nil
    earlier = nil
    ring = nil
    keeper?.keep(nil)
  }

  private mutating func keep() {
    guard isConnected, let configuration, let promises, let ring else { return }
    keeper?.keep(
      StoreSnapshot(configuration: configuration, promises: promises, ring: ring))
  }
}

extension BackendLifecycle.Observation {
  /// A device in use.
  static let connected = BackendLifecycle.Observation(
    leafExists: true, backendState: .connected, online: true, frontendState: .connected)
}

extension LeafMemory.Answer {
  /// As the owner of a ``LeafStore`` gets it.
  func event<Transport: ~Copyable>() -> LeafStore<Transport>.Event {
    switch self {
    case .configuration(let values): .configuration(values)
    case .connected: .lifecycle(.observed(.connected))
    case .promises(let values): .promises(values)
    case .ring(let values): .ring(values, compares: false)
    }
  }
}
