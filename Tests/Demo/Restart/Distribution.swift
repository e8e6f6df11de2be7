internal import Foundation

/// Values, and what to tell of them.
struct Distribution {
  private let sorted: [Double]

  init(_ values: [Double]) { sorted = values.sorted() }

  /// The value below which a part of all lie, of 0 to 1.
  func quantile(_ part: Double) -> Double {
    guard let last = sorted.last else { return 0 }
    let place = Int((part * Double(sorted.count)).rounded(.up)) - 1
    return place < sorted.count ? sorted[max(place, 0)] : last
  }

  var json: String {
    "{\"p50\": \(Self.text(quantile(0.5))), \"p99\": \(Self.text(quantile(0.99))), "
      + "\"max\": \(Self.text(quantile(1))), \"count\": \(sorted.count)}"
  }

  /// The median with the extremes, for few values.
  var medianJSON: String {
    "{\"median\": \(Self.text(quantile(0.5))), \"min\": \(Self.text(sorted.first ?? 0)), "
      + "\"max\": \(Self.text(quantile(1)))}"
  }

  var text: String {
    "p50 \(Self.text(quantile(0.5))), p99 \(Self.text(quantile(0.99))), "
      + "min \(Self.text(sorted.first ?? 0)), max \(Self.text(quantile(1))), \(sorted.count) values"
  }

  private static func text(_ value: Double) -> String {
    String(format: "%.2f", value)
  }
}
