/// The timeouts that the kernel has of an event loop.
///
/// To start a timer and stop it again costs a domain more than many a wait. So a timeout stays when
/// something else comes first, and ends a later wait that may last at least as long; that one is
/// then early, and its owner waits on.
struct ArmedTimeouts {
  /// What a wait needs.
  enum Need: Equatable {
    /// Nothing: one that the kernel has ends early enough.
    case nothing
    /// A further one, with this number.
    case timeout(Int)
    /// A time limit of its own, for there are too many.
    case limit
  }

  /// How many there may be: a long one, and shorter ones that came behind it.
  static let capacity = 4
  private var deadlines = InlineArray<4, UInt64>(repeating: .max)

  /// What a wait until `deadline` needs; it is noted as armed. In nanoseconds.
  mutating func arm(until deadline: UInt64) -> Need {
    var free: Int?
    for index in deadlines.indices {
      if deadlines[index] <= deadline { return .nothing }
      if deadlines[index] == .max { free = index }
    }
    guard let free else { return .limit }
    deadlines[free] = deadline
    return .timeout(free)
  }

  /// Takes in that one has ended.
  mutating func ended(_ number: Int) {
    deadlines[number] = .max
  }
}
