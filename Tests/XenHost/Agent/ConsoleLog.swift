import Foundation
import Synchronization

/// What a console printed, in memory and in a file for a look afterwards.
final class ConsoleLog: Sendable {
  private let content = Mutex<[UInt8]>([])
  private let file: FileHandle?

  init(path: String) {
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    file = FileHandle(forWritingAtPath: path)
  }

  var text: String { content.withLock { String(decoding: $0, as: UTF8.self) } }

  func append(_ bytes: [UInt8]) {
    // Consoles end their lines with CR LF.
    let bytes = bytes.filter { $0 != 0x0D }
    content.withLock { $0 += bytes }
    try? file?.write(contentsOf: Data(bytes))
  }
}
