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
    var processes: [Int32: BackendLeaf] = [:]
    var lastProcess: Int32 = 0
    var toObserve: [BackendLeaf] = []
    var isListDue = false
    var isStopping = false
    var isStopped = false

    mutating func deliver(_ event: Supervisor.Event) {
      var events = [event]
      while !events.isEmpty {
        for action in supervisor.handle(events.removeFirst(), now: now) {
          if let next = carryOut(action) { events.append(next) }
        }
      }
    }

    mutating func carryOut(_ action: Supervisor.Action) -> Supervisor.Event? {
      switch action {
      case .start(let leaf):
        #expect(!processes.values.contains(leaf), "one process for each leaf")
        #expect(!isStopping, "no start after stop")
        if Int.random(in: 0..<8, using: &generator) == 0 {
          return .startFailed(leaf, reason: "chance")
        }
        lastProcess += 1
        processes[lastProcess] = leaf
        return .started(leaf, process: lastProcess)
      case .terminate(let process), .kill(let process):
        #expect(processes[process] != nil, "signals go to living processes")
        if action == .kill(process: process) || Bool.random(using: &generator) {
          processes[process] = nil
          return .exited(process: process, end: .killed(signal: 9))
        }
      case .observe(let leaf): toObserve.append(leaf)
      case .list: isListDue = true
      case .release(let leaf):
        #expect(!processes.values.contains(leaf), "a leaf with a process is not released")
      case .stopped: isStopped = true
      case .log: break
      }
      return nil
    }

    mutating func observe(_ leaf: BackendLeaf) {
      let state = store[leaf]
      let hadProcess = processes.values.contains(leaf)
      deliver(state.map { .observed(leaf, state: $0) } ?? .vanished(leaf))
      if state == 4 && !hadProcess {
        #expect(!processes.values.contains(leaf), "a connected leaf gets no new process")
      }
    }

    mutating func step() {
      let leaf = SupervisorTests.leaf(UInt32.random(in: 0..<4, using: &generator))
      switch Int.random(in: 0..<10, using: &generator) {
      case 0...2:
        store[leaf] = Int.random(in: 1...6, using: &generator)
        toObserve.append(leaf)
      case 3:
        store[leaf] = nil
        toObserve.append(leaf)
      case 4:
        if let process = processes.keys.sorted().randomElement(using: &generator) {
          processes[process] = nil
          let ends: [ProcessEnd] = [.exited(code: 0), .exited(code: 1), .killed(signal: 11)]
          let end = ends.randomElement(using: &generator) ?? .exited(code: 0)
          deliver(.exited(process: process, end: end))
        }
      case 5: deliver(.listed(store.keys.sorted()))
      case 6:
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
    for run in 0..<300 {
      var world = World(generator: SeededGenerator(seed: seed &+ UInt64(run)))
      for _ in 0..<200 { world.step() }
      world.deliver(.listed(world.store.keys.sorted()))
      world.settle()
      for (leaf, state) in world.store where state != 4 {
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
  }
}
