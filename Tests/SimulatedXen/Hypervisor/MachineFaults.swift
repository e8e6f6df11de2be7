/// What goes wrong in the hypervisor by itself, in so many of a hundred cases. Events are never
/// lost: Xen does not lose them.
package struct MachineFaults {
  /// A mapping fails with ENOMEM.
  package var mapPercent = 0
  /// A bind fails with ENOSPC.
  package var bindPercent = 0
  /// One copy operation fails.
  package var copyPercent = 0
  /// A whole call to copy fails, and none of its operations runs.
  package var copyCallPercent = 0
  var generator: SeededGenerator

  /// No faults, until the percentages are set.
  package init(seed: UInt64 = 0) {
    generator = SeededGenerator(seed: seed)
  }

  /// Nothing more goes wrong.
  package mutating func stop() {
    self = MachineFaults()
  }

  mutating func strikes(_ percent: Int) -> Bool {
    percent > 0 && generator.chance(percent: percent)
  }
}
