import RingTransport

/// Decides which captures run, after the nodes that Dom0 writes. It does no I/O: events in, actions
/// out.
///
/// A node's name is the interface's, with a hyphen for the dot, which XenStore does not know. A
/// capture ends when its node goes, and starts anew when the node's text changes. Times are
/// milliseconds of the monotonic clock.
struct CaptureControl {
  /// What happened.
  enum Event: Equatable {
    /// All nodes that are there, with their texts, and all interfaces.
    case wanted([String: String], interfaces: [String])
    case started(String, process: Int32)
    case startFailed(String, reason: String)
    /// A process was reaped; the size of its file, where there is one.
    case exited(process: Int32, end: ProcessEnd, byteCount: UInt64?)
    case timeReached
  }

  /// What to do, in order.
  enum Action: Equatable {
    case start(String, CaptureOrder)
    case terminate(process: Int32)
    case kill(process: Int32)
  }

  /// Each capture sees a copy of every frame; this many leave the guests something.
  static let captureCountMax = 4
  /// Results are kept after their node has gone; the oldest go first.
  static let resultCountMax = 16
  /// After SIGTERM, before SIGKILL: the file's last blocks have to reach the disk.
  static let terminationMilliseconds: UInt64 = 5_000

  private enum Phase: Equatable {
    case starting
    case running(process: Int32)
    case ending(process: Int32, since: UInt64)
    case killed(process: Int32)
    /// It has ended, or was refused; the node is still there.
    case ended
  }

  private struct Entry {
    /// The text that the phase is about.
    var text: String
    var order: CaptureOrder?
    var phase: Phase
  }

  private var entries: [String: Entry] = [:]
  private var wanted: [String: String] = [:]
  private var interfaces: [String] = []
  private let directories: [String]?
  /// What became of each capture, newest last.
  private(set) var results: [(node: String, text: String)] = []

  init(directories: [String]?) {
    self.directories = directories
  }

  /// When `timeReached` is due.
  var nextDeadline: UInt64? {
    entries.values.compactMap { entry in
      if case .ending(_, let since) = entry.phase {
        since + Self.terminationMilliseconds
      } else {
        nil
      }
    }.min()
  }

  /// Whether nothing runs any more that could still end by itself.
  var isIdle: Bool {
    entries.values.allSatisfy { entry in
      switch entry.phase {
      case .starting, .running, .ending: false
      case .killed, .ended: true
      }
    }
  }

  /// The file that a process writes; nil for a process that is none of ours.
  func file(of process: Int32) -> String? {
    entry(of: process)?.value.order?.file
  }

  /// Takes one event.
  mutating func handle(_ event: Event, now: UInt64) -> [Action] {
    switch event {
    case .wanted(let nodes, let interfaces):
      wanted = nodes
      self.interfaces = interfaces
      return decideAll(now: now)
    case .started(let node, let process):
      guard entries[node]?.phase == .starting else { return [.kill(process: process)] }
      entries[node]?.phase = .running(process: process)
      setResult("running: \(entries[node]?.order?.file ?? "")", of: node)
      return decideAll(now: now)
    case .startFailed(let node, let reason):
      entries[node]?.phase = .ended
      setResult("failed: \(reason)", of: node)
      return decideAll(now: now)
    case .exited(let process, let end, let byteCount):
      guard let (node, entry) = entry(of: process) else { return [] }
      entries[node]?.phase = .ended
      let file = entry.order?.file ?? ""
      let size = byteCount.map { ", \($0) bytes" } ?? ""
      setResult(
        end.isSuccess ? "finished: \(file)\(size)" : "failed: \(file)\(size): \(end); see the log",
        of: node)
      return decideAll(now: now)
    case .timeReached: return timeReached(now: now)
    }
  }

  private func entry(of process: Int32) -> (key: String, value: Entry)? {
    entries.first { _, entry in
      switch entry.phase {
      case .running(process), .ending(process, _), .killed(process): true
      default: false
      }
    }
  }

  private mutating func decideAll(now: UInt64) -> [Action] {
    let known = Array(entries.keys)
    var actions: [Action] = []
    for node in known.sorted() { actions += decide(node, now: now) }
    // Those that are gone have made room now.
    for node in wanted.keys.sorted() where entries[node] == nil { actions += begin(node) }
    return actions
  }

  private mutating func decide(_ node: String, now: UInt64) -> [Action] {
    guard let entry = entries[node], entry.text != wanted[node] else { return [] }
    switch entry.phase {
    case .starting, .ending, .killed: return []
    case .running(let process):
      entries[node]?.phase = .ending(process: process, since: now)
      return [.terminate(process: process)]
    case .ended:
      entries[node] = nil
      return []
    }
  }

  private mutating func begin(_ node: String) -> [Action] {
    guard let text = wanted[node] else { return [] }
    // Refused orders are remembered too, so that each is answered once; the bound is for both.
    guard entries.count < Self.resultCountMax else { return [] }
    do throws(CaptureOrder.Refusal) {
      guard entries.values.count(where: { $0.phase != .ended }) < Self.captureCountMax else {
        throw .init(reason: "there are \(Self.captureCountMax) captures already")
      }
      guard let interface = interfaces.first(where: { InterfaceName.nodeName($0) == node }) else {
        throw .init(reason: "there is no network interface of that name")
      }
      let order = try CaptureOrder(text, interface: interface, directories: directories)
      entries[node] = Entry(text: text, order: order, phase: .starting)
      return [.start(node, order)]
    } catch {
      entries[node] = Entry(text: text, order: nil, phase: .ended)
      setResult("refused: \(error.reason)", of: node)
      return []
    }
  }

  private mutating func timeReached(now: UInt64) -> [Action] {
    var actions: [Action] = []
    for (node, entry) in entries.sorted(by: { $0.key < $1.key }) {
      guard case .ending(let process, let since) = entry.phase,
        since + Self.terminationMilliseconds <= now
      else { continue }
      entries[node]?.phase = .killed(process: process)
      actions.append(.kill(process: process))
    }
    return actions
  }

  private mutating func setResult(_ text: String, of node: String) {
    results.removeAll { $0.node == node }
    results.append((node, text))
    if results.count > Self.resultCountMax { results.removeFirst() }
  }
}
