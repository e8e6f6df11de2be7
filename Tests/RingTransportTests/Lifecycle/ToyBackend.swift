import RingTransport
import SimulatedXen

/// The smallest owner of a ``BackendLifecycle`` over a real ``XenStoreClient``: what is read, what
/// is written, and nothing behind it.
struct ToyBackend: ~Copyable {
  typealias Lifecycle = BackendLifecycle

  private enum Errand {
    case observation
    case publication
  }

  private let disk: Toolstack.Disk
  private var client: XenStoreClient<SimulatedXenStoreTransport>
  private var lifecycle = Lifecycle()
  private var errands: [XenStoreBatchIdentifier: Errand] = [:]
  private(set) var isTimerRunning = false
  private(set) var exitReason: Lifecycle.ExitReason?
  /// Whether requests are served.
  private(set) var hasRing = false

  init(_ store: SimulatedXenStore, _ disk: Toolstack.Disk, faults: StoreFaults = StoreFaults()) {
    self.disk = disk
    client = XenStoreClient(store.connect(as: disk.backendDomain, faults: faults))
    _ = client.submit([
      .watch(disk.backendPath, token: "backend"),
      .watch(disk.frontendPath.appending("state"), token: "frontend"),
    ])
  }

  /// Does all that can be done without time going by.
  mutating func run() throws {
    // With faults many turns do nothing; so many in a row are rest.
    var idleTurnCount = 0
    while idleTurnCount < 60, exitReason == nil {
      idleTurnCount += 1
      try client.process()
      while let event = client.nextEvent() {
        handle(event)
        idleTurnCount = 0
      }
    }
  }

  /// Lets the timer's time go by.
  mutating func fireTimer() throws {
    guard isTimerRunning else { return }
    isTimerRunning = false
    feed(.timerFired)
    try run()
  }

  mutating func feed(_ event: Lifecycle.Event) {
    for action in lifecycle.handle(event) { carryOut(action) }
  }

  private mutating func handle(_ event: XenStoreEvent) {
    switch event {
    case .watch:
      let path = disk.backendPath
      let batch = client.submit([
        .read(path), .read(path.appending("state")), .read(path.appending("online")),
        .read(disk.frontendPath), .read(disk.frontendPath.appending("state")),
      ])
      errands[batch] = .observation
    case .completed(let batch, let results):
      switch errands.removeValue(forKey: batch) {
      case .observation: feed(.observed(observation(results)))
      case .publication:
        let failure = results.first { if case .failure = $0 { true } else { false } }
        feed(failure == nil ? .published : .publishFailed(.leafIsGone))
      case nil: break
      }
    }
  }

  private func observation(
    _ results: [Result<XenStoreReply, XenStoreError>]
  ) -> Lifecycle.Observation {
    let texts = results.map { result -> String? in
      if case .success(.value(let text)) = result { text } else { nil }
    }
    let frontend = texts[4].map { XenbusState(text: $0) } ?? .unknown
    return Lifecycle.Observation(
      leafExists: texts[0] != nil, backendState: texts[1].map { XenbusState(text: $0) },
      online: texts[2] == "1", frontendState: texts[3] == nil ? nil : frontend)
  }

  private mutating func carryOut(_ action: Lifecycle.Action) {
    let path = disk.backendPath
    let state = path.appending("state")
    switch action {
    case .openTarget: feed(.targetOpened)
    case .publish(let value, let withFeatures):
      let features: [XenStoreOperation] =
        withFeatures ? [.write(path.appending("feature-flush-cache"), "1")] : []
      publish(features + [.write(state, value.text)])
    case .publishFailure(let reason):
      publish([.write(path.appending("hotplug-error"), reason), .write(state, "6")])
    case .publishCapacity: publish([.write(path.appending("sectors"), "8"), .write(state, "4")])
    case .startTimer: isTimerRunning = true
    case .connectRing, .adoptRing:
      hasRing = true
      feed(.ringConnected)
    case .compareRing: feed(.ringUnchanged)
    case .quiesce:
      hasRing = false
      feed(.quiesced)
    case .removeLeaf: publish([.remove(path)])
    case .exit(let reason): exitReason = reason
    }
  }

  private mutating func publish(_ operations: [XenStoreOperation]) {
    // A leaf that is gone is not created anew by this: the directory above is Dom0's, so the write
    // is refused.
    errands[client.submit(operations, transaction: true)] = .publication
  }
}
