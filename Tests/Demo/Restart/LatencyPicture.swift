internal import Foundation

/// A guest's requests over a few seconds: when each ended and how long it took, as an SVG picture
/// with a logarithmic scale of latency.
struct LatencyPicture {
  /// How much time it shows.
  static let milliseconds = 4000

  /// One request.
  struct Sample {
    /// When it ended, in milliseconds from the picture's left edge.
    var time: Double
    /// In milliseconds.
    var latency: Double
  }

  private static let width = 800.0
  private static let height = 240.0
  private static let margin = 50.0
  /// Powers of ten of milliseconds at the bottom and at the top.
  private static let decades = -1...3

  private let samples: [Sample]

  init(_ samples: [Sample]) { self.samples = samples }

  /// The picture.
  var svg: String {
    var lines = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.text(Self.width + Self.margin)) \
      \(Self.text(Self.height + 40))" font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      """
    ]
    for decade in Self.decades {
      let place = y(Self.power(of: decade))
      lines.append(
        "<path d=\"M\(Self.text(Self.margin)) \(place)h\(Self.text(Self.width))\" stroke=\"#ddd\"/>"
          + "<text x=\"4\" y=\"\(place)\">\(Self.label(decade))</text>")
    }
    for second in 0...(Self.milliseconds / 1000) {
      lines.append(
        "<text x=\"\(x(Double(second) * 1000))\" y=\"\(Self.text(Self.height + 20))\">"
          + "\(second) s</text>")
    }
    // A dot is a line of no length with round ends.
    let dots = samples.map { "M\(x($0.time)) \(y($0.latency))h0" }.joined()
    lines.append(
      "<path d=\"\(dots)\" stroke=\"#06c\" stroke-width=\"1.5\" stroke-linecap=\"round\"/>")
    lines.append("</svg>\n")
    return lines.joined(separator: "\n")
  }

  private func x(_ time: Double) -> String {
    Self.text(Self.margin + time / Double(Self.milliseconds) * Self.width)
  }

  private func y(_ latency: Double) -> String {
    let lowest = Double(Self.decades.lowerBound)
    let highest = Double(Self.decades.upperBound)
    let place = min(max(log10(latency), lowest), highest)
    return Self.text(10 + (highest - place) / (highest - lowest) * (Self.height - 20))
  }

  private static func label(_ decade: Int) -> String {
    decade < 0 ? "0.1 ms" : decade < 3 ? "\(Int(power(of: decade))) ms" : "1 s"
  }

  private static func power(of decade: Int) -> Double {
    decade < 0 ? 0.1 : (0..<decade).reduce(1) { value, _ in value * 10 }
  }

  private static func text(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}
