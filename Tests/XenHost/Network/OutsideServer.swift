import Foundation
import Glibc

/// A server outside the emulated machine: runs a program for each connection, with the connection
/// as its standard input and output. `md5sum` tells what arrived, `cat FILE` sends.
public final class OutsideServer: Sendable {
  /// The port, the same on 127.0.0.1 and ::1.
  public let port: Int
  private let listeners: [Int32]

  /// Listens, and serves until `stop`.
  public init(running program: String, _ arguments: [String] = []) throws {
    let first = try LoopbackSocket.listen(.v4, port: 0)
    let port = try LoopbackSocket.port(of: first)
    self.port = port
    do {
      listeners = [first, try LoopbackSocket.listen(.v6, port: port)]
    } catch {
      close(first)
      throw error
    }
    for listener in listeners {
      Thread.detachNewThread { Self.serve(listener, program, arguments) }
    }
  }

  /// A web server with one file, which it sends whatever is asked for.
  public convenience init(serving file: OutsideFile) throws {
    // The request is read to its end: a connection that is closed with something unread is reset.
    try self.init(
      running: "sh",
      [
        "-c",
        "sed '/^\r$/q' >/dev/null; printf 'HTTP/1.0 200 OK\\r\\n\\r\\n'; cat '\(file.path)'",
      ])
  }

  /// Ends the server. Programs that still run go on until their connections end.
  public func stop() {
    // The threads close the descriptors when `accept` fails.
    for listener in listeners { shutdown(listener, Int32(SHUT_RDWR)) }
  }

  private static func serve(_ listener: Int32, _ program: String, _ arguments: [String]) {
    while true {
      let connection = Glibc.accept(listener, nil, nil)
      if connection < 0 && errno == EINTR { continue }
      if connection < 0 { break }
      _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = [program] + arguments
      let handle = FileHandle(fileDescriptor: connection, closeOnDealloc: false)
      process.standardInput = handle
      process.standardOutput = handle
      // The other side sees the end when the program has ended, as this was the last copy.
      try? process.run()
      close(connection)
    }
    close(listener)
  }
}

/// Random bytes in a file of this machine, to send to guests, and their sum.
public struct OutsideFile: Sendable {
  /// Where it is.
  public let path: String
  /// Its MD5 in hexadecimal.
  public let sum: String

  /// Makes the file; `remove` removes it.
  public init(mebibytes: Int) async throws {
    path = NSTemporaryDirectory() + "/outside-\(UUID().uuidString)"
    sum = try await OutsideCommand.run(
      "head -c \(mebibytes << 20) /dev/urandom | tee '\(path)' | md5sum | cut -d ' ' -f 1")
  }

  /// Removes the file.
  public func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// Connects to a port of 127.0.0.1, sends the whole file and the end of the stream, and returns
  /// what comes back up to its end.
  public func send(toPort port: Int) async throws -> String {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try exchange(port) })
      }
    }
  }

  private func exchange(_ port: Int) throws -> String {
    let descriptor = try LoopbackSocket.connect(port: port)
    let connection = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    while let piece = try file.read(upToCount: 1 << 18), !piece.isEmpty {
      try connection.write(contentsOf: piece)
    }
    shutdown(descriptor, Int32(SHUT_WR))
    let answer = try connection.readToEnd() ?? Data()
    return String(decoding: answer, as: UTF8.self)
  }
}

/// Fetching from guests, through a port of 127.0.0.1 that leads to them.
public enum OutsideClient {
  /// Fetches a web server's file and returns its MD5.
  public static func fetchSum(_ path: String, fromPort port: Int) async throws -> String {
    try await OutsideCommand.run(
      """
      exec 3<>/dev/tcp/127.0.0.1/\(port)
      printf 'GET \(path) HTTP/1.0\\r\\n\\r\\n' >&3
      LC_ALL=C sed '1,/^\\r$/d' <&3 | md5sum | cut -d ' ' -f 1
      """)
  }
}

/// Commands of this machine's shell.
enum OutsideCommand {
  /// Runs a command and returns its output without the last newline.
  static func run(_ command: String) async throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", command]
    process.standardOutput = pipe
    return try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { _ in
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        continuation.resume(
          returning: String(decoding: output, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines))
      }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
  }
}
