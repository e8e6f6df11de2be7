/// Looks for a history of a ``RingModel`` that must not be.
package enum RingExplorer {
  /// What was found.
  package struct Outcome: Sendable {
    /// Different states that were looked at.
    package var stateCount = 0
    /// The rule that was broken, nil when none was.
    package var violation: String?
    /// What led there, the last step last.
    package var history: [RingModel.Step] = []
  }

  /// Tries everything that can happen, in every order.
  package static func exhaust(_ options: RingModel.Options) -> Outcome {
    var outcome = Outcome()
    var seen: Set<[UInt8]> = []
    // Depth first; a state's way here is kept as a linked list.
    var stack: [(model: RingModel, way: Way?)] = [(RingModel(options), nil)]
    while let (model, way) = stack.popLast() {
      guard seen.insert(model.key).inserted else { continue }
      outcome.stateCount += 1
      let steps = model.steps
      if steps.isEmpty, !model.isComplete {
        outcome.violation = "requests are left, and nothing can happen any more"
        outcome.history = way?.steps ?? []
        return outcome
      }
      for step in steps {
        var next = model
        next.perform(step)
        if let violation = next.violation {
          outcome.violation = violation
          outcome.history = (way?.steps ?? []) + [step]
          return outcome
        }
        stack.append((next, Way(step, after: way)))
      }
    }
    return outcome
  }

  /// Follows one random history to its end.
  package static func wander(_ options: RingModel.Options, seed: UInt64) -> Outcome {
    var generator = SeededGenerator(seed: seed)
    var model = RingModel(options)
    var outcome = Outcome()
    while outcome.violation == nil {
      var steps = model.steps
      if steps.isEmpty {
        if !model.isComplete { outcome.violation = "requests are left, and nothing can happen" }
        return outcome
      }
      // Crashes are rare, or nothing would ever get far.
      if steps.count > 1, generator.chance(percent: 90) { steps.removeAll { $0 == .crash } }
      guard let step = steps.randomElement(using: &generator) else { return outcome }
      model.perform(step)
      outcome.stateCount += 1
      outcome.violation = model.violation
      outcome.history = outcome.history.suffix(40) + [step]
    }
    return outcome
  }

  /// The steps that led to a state.
  private final class Way {
    let step: RingModel.Step
    let previous: Way?

    init(_ step: RingModel.Step, after previous: Way?) {
      self.step = step
      self.previous = previous
    }

    var steps: [RingModel.Step] {
      var steps: [RingModel.Step] = []
      var way: Way? = self
      while let current = way {
        steps.append(current.step)
        way = current.previous
      }
      return steps.reversed()
    }
  }
}
