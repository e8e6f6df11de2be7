import Foundation

/// The host's side of one agent: requests out, frames in, everything else into a log.
///
/// A connection lives as long as QEMU. On a console port it serves one domain after the other,
/// each in its own session.
actor AgentConnection {
  private typealias Waiter = CheckedContinuation<CommandResult, any Error>

  private let stream: SocketStream
  /// What the hypervisor and Dom0 printed: when a machine is gone, it says why.
  private let hostLog: @Sendable () -> String
  private var parser = FrameParser()
  private var machine = ""
  private var log: ConsoleLog?
  private var isReady = false
  private var isGone = true
  private var waiters: [String: Waiter] = [:]
  private var lastID = 0

  init(stream: SocketStream, hostLog: @escaping @Sendable () -> String) {
    self.stream = stream
    self.hostLog = hostLog
    Task { [weak self] in
      for await bytes in stream.bytes { await self?.receive(bytes) }
      await self?.end()
    }
  }

  /// Begins to serve a machine. The port must not serve another one. An agent that has been running
  /// before, in a restored machine, does not say again that it is ready.
  func beginSession(machine: String, log: ConsoleLog, isRunning: Bool = false) {
    self.machine = machine
    self.log = log
    isReady = isRunning
    isGone = false
  }

  /// Runs a shell command, as soon as the agent is there, and waits for its end.
  func run(_ command: String, timeout: Duration) async throws -> CommandResult {
    try await waitUntilReady(timeout: timeout)
    let id = nextID("r")
    let text = Data(command.utf8).base64EncodedString()
    return try await wait(id, command, timeout) { stream.write("RUN \(id) \(text)\n") }
  }

  /// Writes a file.
  func put(_ content: [UInt8], path: String, mode: Int, timeout: Duration) async throws
    -> CommandResult
  {
    try await waitUntilReady(timeout: timeout)
    let id = nextID("p")
    let name = Data(path.utf8).base64EncodedString()
    let permissions = String(mode, radix: 8)
    return try await wait(id, "write \(path)", timeout) {
      stream.write("PUT \(id) \(permissions) \(name) \(content.count)\n")
      stream.write(content)
    }
  }

  /// Waits for the agent's first words in this session.
  func waitUntilReady(timeout: Duration) async throws {
    if isReady { return }
    _ = try await wait(nextID("ready/"), "start and answer", timeout) {}
  }

  /// Waits until the machine of this session is gone and the port is free for another.
  func waitUntilGone(timeout: Duration) async throws {
    if isGone { return }
    _ = try await wait(nextID("gone/"), "go away", timeout) {}
  }

  private var gone: XenHostError {
    .domainGone(machine: machine, log: log?.text ?? "", hostLog: hostLog())
  }

  private func nextID(_ prefix: String) -> String {
    lastID += 1
    return "\(prefix)\(lastID)"
  }

  private func wait(
    _ id: String, _ command: String, _ limit: Duration, send: () -> Void
  ) async throws -> CommandResult {
    if isGone { throw gone }
    let timer = Task {
      try await Task.sleep(for: limit)
      expire(id, command, limit)
    }
    defer { timer.cancel() }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { waiter in
        waiters[id] = waiter
        send()
      }
    } onCancel: {
      Task { await self.abandon(id, CancellationError()) }
    }
  }

  private func expire(_ id: String, _ command: String, _ limit: Duration) {
    abandon(
      id,
      XenHostError.timedOut(
        machine: machine, command: command, limit: limit, log: log?.text ?? ""))
  }

  private func abandon(_ id: String, _ error: any Error) {
    guard let waiter = waiters.removeValue(forKey: id) else { return }
    stream.write("KILL \(id)\n")
    waiter.resume(throwing: error)
  }

  private func receive(_ bytes: [UInt8]) {
    for element in parser.parse(bytes) {
      switch element {
      case .text(let text): log?.append(text)
      case .frame(let frame): receive(frame)
      }
    }
  }

  private func receive(_ frame: Frame) {
    let result = CommandResult(status: frame.status, bytes: frame.body)
    switch frame.id {
    case "gone":
      stream.write("END\n")
      end()
    case "ready":
      stream.write("ACK ready\n")
      isReady = true
      for id in waiters.keys where id.hasPrefix("ready/") {
        waiters.removeValue(forKey: id)?.resume(returning: result)
      }
    default:
      stream.write("ACK \(frame.id)\n")
      // Nobody waits for a frame that was sent twice, or for one that came too late.
      waiters.removeValue(forKey: frame.id)?.resume(returning: result)
    }
  }

  private func end() {
    isGone = true
    isReady = false
    if let unfinished = parser.unfinished { log?.append(unfinished) }
    for (id, waiter) in waiters {
      if id.hasPrefix("gone/") {
        waiter.resume(returning: CommandResult(status: 0, bytes: []))
      } else {
        waiter.resume(throwing: gone)
      }
    }
    waiters = [:]
  }
}
