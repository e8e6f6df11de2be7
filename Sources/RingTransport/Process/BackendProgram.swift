internal import Glibc
public import Logging
public import SystemPackage

/// A program that serves one device: what `main` does is the same for all.
public protocol BackendProgram {
  associatedtype Options: Sendable

  /// The program's name, in logs and messages.
  static var name: String { get }
  /// What `--help` prints.
  static var helpText: String { get }

  /// Serves the leaf until the device's life ends. Called on the main thread.
  static func serve<Transport: XenStoreTransport & ~Copyable>(
    _ leaf: BackendLeaf, _ options: Options, log: Logger,
    store: consuming XenStoreClient<Transport>
  ) throws(BackendProcessError)
}

extension BackendProgram {
  /// Does what the arguments say, and returns the exit status: 0 when the device's life ended in
  /// good order, 1 after a failure, 2 for wrong arguments.
  public static func run(_ arguments: BackendArguments<Options>) -> Int32 {
    switch arguments.mode {
    case .help:
      print(helpText, terminator: "")
      return 0
    case .version:
      print("\(name) \(SuiteVersion.current)")
      return 0
    case .wrong(let text):
      writeError("\(name): \(text)\n\n" + helpText)
      return 2
    case .serve(let leaf):
      return serve(leaf, arguments)
    }
  }

  private static func serve(
    _ leaf: BackendLeaf, _ arguments: BackendArguments<Options>
  ) -> Int32 {
    var log = Logger(label: name) { _ in
      ConsoleLog(console: .standardError, program: name, level: arguments.logLevel)
    }
    log[metadataKey: "device"] = "\(leaf.frontendDomain)/\(leaf.device)"
    do throws(BackendProcessError) {
      if let socket = arguments.xenStoreSocket {
        let transport = try openStore { () throws(Errno) in
          try XenStoreSocketTransport(path: socket)
        }
        try serve(leaf, arguments.options, log: log, store: XenStoreClient(transport))
      } else {
        let transport = try openStore { () throws(Errno) in try XenStoreDeviceTransport() }
        try serve(leaf, arguments.options, log: log, store: XenStoreClient(transport))
      }
      return 0
    } catch {
      log.critical("cannot go on", metadata: ["error": "\(error)"])
      return 1
    }
  }

  private static func openStore<Transport: ~Copyable>(
    _ open: () throws(Errno) -> Transport
  ) throws(BackendProcessError) -> Transport {
    do throws(Errno) { return try open() } catch { throw .open("XenStore", error) }
  }

  private static func writeError(_ text: String) {
    var text = text
    // SAFETY: the call reads the text's bytes and no more.
    text.withUTF8 { bytes in unsafe _ = write(2, bytes.baseAddress, bytes.count) }
  }
}

/// Why a backend process cannot go on.
public enum BackendProcessError: Error, CustomStringConvertible {
  case open(String, Errno)
  case loop(Errno)
  case store(XenStoreFailure)

  /// For the log.
  public var description: String {
    switch self {
    case .open(let what, let errno): "cannot open \(what): \(errno)"
    case .loop(let errno): "the event loop failed: \(errno)"
    case .store(let failure): "the connection to XenStore failed: \(failure)"
    }
  }
}

/// The version of the whole suite.
public enum SuiteVersion {
  /// As `--version` prints it.
  public static let current = "0.1.0"
}
