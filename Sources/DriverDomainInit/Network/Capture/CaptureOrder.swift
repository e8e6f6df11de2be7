/// What Dom0 asks for in `data/driver-domain/capture/vif2-0`: a file, and how large it may become.
struct CaptureOrder: Equatable {
  var interface: String
  var file: String
  var limitMiB: Int

  /// Enough for minutes of one guest's traffic; a forgotten capture does not fill the volume.
  static let limitMiBDefault = 64
  static let limitMiBMax = 65536

  /// Why an order is refused.
  struct Refusal: Error, Equatable {
    var reason: String
  }

  /// Reads `FILE [LIMIT-MiB]`.
  ///
  /// - Parameter directories: where files may be: volumes. Elsewhere is the domain's memory. Nil
  ///   for anywhere.
  init(
    _ text: String, interface: String, directories: [String]?
  ) throws(Refusal) {
    let words = text.split(separator: " ").map(String.init)
    guard let file = words.first, words.count <= 2 else {
      throw Refusal(reason: "'\(text)' is not FILE [LIMIT-MiB]")
    }
    let parts = file.split(separator: "/")
    guard file.hasPrefix("/"), !file.hasSuffix("/"),
      !parts.contains(where: { $0 == ".." || $0 == "." })
    else { throw Refusal(reason: "'\(file)' is no absolute path of a file") }
    let isOnVolume = directories?.contains { file.hasPrefix($0.hasSuffix("/") ? $0 : $0 + "/") }
    guard isOnVolume ?? true else {
      throw Refusal(reason: "'\(file)' is on no volume that is mounted for writing")
    }
    var limitMiB = Self.limitMiBDefault
    if words.count == 2 {
      guard let number = Int(words[1]), (1...Self.limitMiBMax).contains(number) else {
        throw Refusal(reason: "'\(words[1])' is no number from 1 to \(Self.limitMiBMax)")
      }
      limitMiB = number
    }
    self.interface = interface
    self.file = file
    self.limitMiB = limitMiB
  }
}
