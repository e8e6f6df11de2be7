/// What was measured, for people and for programs.
enum Report {
  /// A line for each path.
  static func print(_ paths: [Path], _ costs: [Cost]) {
    let reference = reference(paths, costs)
    for (path, cost) in zip(paths, costs) {
      let ratio = reference.map { ", \(text(cost.nanoseconds / $0)) times the bytes alone" } ?? ""
      Swift.print(
        "\(path.group): \(path.title): \(text(cost.nanoseconds)) ns a \(path.group.unit)\(ratio), "
          + "\(text(cost.allocations)) allocations")
    }
  }

  /// The same as members of an object: times and allocations of each group.
  static func json(_ paths: [Path], _ costs: [Cost]) -> [String] {
    Path.Group.allCases.flatMap { group -> [String] in
      let members = zip(paths, costs).filter { $0.0.group == group }
      if members.isEmpty { return [] }
      let times = members.map { "\"\($0.0.key)\": \(text($0.1.nanoseconds))" }
      let allocations = members.map { "\"\($0.0.key)\": \(text($0.1.allocations))" }
      return [
        "\"\(group)_nanoseconds_per_\(group.unit)\": {\(times.joined(separator: ", "))}",
        "\"\(group)_allocations_per_\(group.unit)\": {\(allocations.joined(separator: ", "))}",
      ]
    }
  }

  /// What the bytes alone cost, where it was measured.
  static func reference(_ paths: [Path], _ costs: [Cost]) -> Double? {
    zip(paths, costs).first { $0.0.key == ReferenceLoop.path.key }?.1.nanoseconds
  }

  /// With one decimal place.
  static func text(_ value: Double) -> String { rounded(value, 10, digits: 1) }

  /// With three, for ratios.
  static func ratio(_ value: Double) -> String { rounded(value, 1000, digits: 3) }

  private static func rounded(_ value: Double, _ scale: Int, digits: Int) -> String {
    let parts = Int((value * Double(scale)).rounded())
    let fraction = String(abs(parts % scale))
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return "\(parts / scale).\(zeros)\(fraction)"
  }
}
