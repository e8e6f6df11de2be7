import Foundation

/// Where the programs of this target tell what they find.
enum Output {
  /// Prints a line at once, into a file too.
  static func say(_ text: String) {
    print(text)
    fflush(nil)
  }

  /// Writes a file of `benchmarks/out`.
  static func save(_ text: String, as name: String) throws {
    let directory = URL(filePath: "benchmarks/out")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: directory.appending(path: name))
  }
}
