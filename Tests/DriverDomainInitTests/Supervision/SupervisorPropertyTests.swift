import RingTransport
import Testing

@testable import DriverDomainInit

/// Random histories of toolstack, processes and clock against the rules that must always hold.
@Suite struct SupervisorPropertyTests {
  /// The world around the supervisor: it carries out actions, late and in any order.
  private struct World {
    var supervisor = Supervisor(stopSeconds: 3)
    var generator: SeededGenerator
    var now: UInt64 = 0
    /// Leaves in XenStore with their states.
    var store: [BackendLeaf: Int] = [:]
    /// What the supervisor was last told of each.
    var lastSeen: [BackendLeaf: Int] = [:]
    var processes: [Int32: BackendLeaf] = [:]
    var lastProcess: Int32 = 0
    var toObserve: [BackendLeaf] = []
    var isListDue = false
    var isStopping = false
    var isStopped = false
    var isEscalated = false
    /// Processes that got SIGKILL, and go when it pleases them.
    var dying: [Int32] = []

    mutating func deliver(_ event: Supervisor.Event) {
      var events = [event]
      while !events.isEmpty {
        let event = events.removeFirst()
        // One that has ended can be sent signals until it is reaped.
        if case .exited(let process, _) = event { processes[process] = nil }
        for action in supervisor.handle(event, now: now) {
          if let next = carryOut(action) { events.append(next) }
        }
      }
    }

    mutating func carryOut(_ action: Supervisor.Action) -> Supervisor.Event? {
      switch action {
      case .start(let leaf), .follow(let leaf):
        #expect(!isEscalated, "no start after the end")
        if action == .follow(leaf) { #expect(lastSeen[leaf] == 4, "only the connected") }
        #expect(!processes.values.contains(leaf), "one process for each leaf")
        #expect(!isStopping, "no start after stop")
        if Int.random(in: 0..<8, using: &generator) == 0 {
          return .startFailed(leaf, reason: "chance")
        }
        lastProcess += 1
        processes[lastProcess] = leaf
        return .started(leaf, process: lastProcess)
      case .kill(let process):
        #expect(processes[process] != nil, "signals go to living processes")
        dying.append(process)
      case .terminate(let process):
        #expect(processes[process] != nil, "signals go to living processes")
        if Bool.random(using: &generator) {
          return .exited(process: process, end: .exited(code: 0))
        }
      case .observe(let leaf): toObserve.append(leaf)
      case .list: isListDue = true
      case .release(let leaf):
        #expect(!processes.values.contains(leaf), "a leaf with a process is not released")
      case .stopped: isStopped = true
      case .escalate: isEscalated = true
      case .log: break
      }
      return nil
    }

    mutating func observe(_ leaf: BackendLeaf) {
      let state = store[leaf]
      lastSeen[leaf] = state
      deliver(state.map { .observed(leaf, state: $0) } ?? .vanished(leaf))
    }

    /// Ends one of the processes that were killed.
    mutating func bury() {
      guard let process = dying.popLast(), processes[process] != nil else { return }
      deliver(.exited(process: process, end: .killed(signal: 9)))
    }

    mutating func step() {
      let leaf = SupervisorTests.leaf(UInt32.random(in: 0..<4, using: &generator))
      switch Int.random(in: 0..<14, using: &generator) {
      case 0...2:
        store[leaf] = Int.random(in: 1...6, using: &generator)
        toObserve.append(leaf)
      case 3:
        store[leaf] = nil
        toObserve.append(leaf)
      case 4:
        if let process = processes.keys.sorted().randomElement(using: &generator) {
          let ends: [ProcessEnd] = [.exited(code: 0), .exited(code: 1), .killed(signal: 11)]
          let end = ends.randomElement(using: &generator) ?? .exited(code: 0)
          deliver(.exited(process: process, end: end))
        }
      case 5: deliver(.listed(store.keys.sorted()))
      case 6: bury()
      case 7:
        if let process = processes.keys.sorted().randomElement(using: &generator) {
          deliver(.hung(process: process))
        }
      case 8: deliver(.replace(leaf))
      case 9:
        // Most go within the time that they are given.
        if Int.random(in: 0..<100, using: &generator) > 0 { while !dying.isEmpty { bury() } }
        now += UInt64.random(in: 0...20_000, using: &generator)
        deliver(.timeReached)
      default:
        if !toObserve.isEmpty { observe(toObserve.removeFirst()) }
      }
    }

    /// No more surprises: everything owed is delivered, and time passes.
    mutating func settle() {
      for _ in 0..<200 {
        if isListDue {
          isListDue = false
          deliver(.listed(store.keys.sorted()))
        }
        while !dying.isEmpty { bury() }
        while !toObserve.isEmpty { observe(toObserve.removeFirst()) }
        guard let deadline = supervisor.nextDeadline else { return }
        now = max(now, deadline)
        deliver(.timeReached)
        let next = supervisor.nextDeadline ?? .max
        #expect(next > now, "a deadline that was reached does not come again: it would spin")
      }
    }
  }

  @Test func anyHistorySettlesAsItShould() {
    let seed = SeededGenerator.seed(for: "supervisor")
    var escalationCount = 0
    for run in 0..<300 {
      var world = World(generator: SeededGenerator(seed: seed &+ UInt64(run)))
      for _ in 0..<200 { world.step() }
      world.deliver(.listed(world.store.keys.sorted()))
      world.settle()
      if world.isEscalated {
        escalationCount += 1
        continue
      }
      for leaf in world.store.keys {
        #expect(world.processes.values.contains(leaf), "run \(run): \(leaf) is not served")
      }
      for leaf in world.processes.values {
        #expect(world.store[leaf] != nil, "run \(run): \(leaf) is gone and still has a process")
      }
      world.isStopping = true
      world.deliver(.stop)
      world.settle()
      #expect(world.isStopped, "run \(run)")
    }
    // Histories that end early test little; most do not.
    #expect(escalationCount < 150)
  }

  /// A process that is killed every 100 ms for half a minute.
  @Test func stormOfDeathsIsSlowedDownAndSurvived() {
    let leaf = SupervisorTests.leaf(1)
    var supervisor = Supervisor(stopSeconds: 3, mayEscalate: false)
    var process: Int32?
    var startCount = 0
    func deliver(_ event: Supervisor.Event, at now: UInt64) {
      var events = [event]
      while !events.isEmpty {
        for action in supervisor.handle(events.removeFirst(), now: now) {
          switch action {
          case .start, .follow:
            #expect(process == nil)
            startCount += 1
            process = Int32(startCount)
            events.append(.started(leaf, process: Int32(startCount)))
          case .observe: events.append(.observed(leaf, state: 4))
          default: break
          }
        }
      }
    }
    deliver(.observed(leaf, state: 4), at: 0)
    var served: UInt64 = 0
    for now in stride(from: UInt64(0), to: 30_000, by: 10) {
      if supervisor.nextDeadline.map({ $0 <= now }) ?? false { deliver(.timeReached, at: now) }
      if process != nil { served += 10 }
      if now % 100 == 0, let killed = process {
        process = nil
        deliver(.exited(process: killed, end: .killed(signal: 9)), at: now)
      }
    }
    // Eleven quick ones, and then one a second.
    #expect((30...45).contains(startCount), "\(startCount) starts")
    #expect(served > 1_000)
    deliver(.timeReached, at: 31_000)
    #expect(process != nil)
  }
}
