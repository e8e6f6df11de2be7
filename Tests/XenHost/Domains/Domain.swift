import Synchronization

/// A running domain, with its console joined to this process.
public final class Domain: Sendable {
  /// The domain's name.
  public let name: String
  /// The guest's shell. A domain without an agent, as a driver domain, never answers there.
  public let shell: Shell

  private let host: XenHost
  private let port: ConsolePorts.Port
  private let log: ConsoleLog
  private let identifier: Mutex<Int>

  init(name: String, domid: Int, host: XenHost, port: ConsolePorts.Port, log: ConsoleLog) {
    self.name = name
    self.host = host
    self.port = port
    self.log = log
    self.identifier = Mutex(domid)
    self.shell = Shell(name: name, agent: port.agent, log: { log.text })
  }

  /// The number of the domain. A reboot changes it.
  public var domid: Int { identifier.withLock { $0 } }

  /// What the domain printed on its console, without the agent's answers.
  public var consoleLog: String { log.text }

  /// Waits until the agent in the guest answers.
  public func waitUntilReady(timeout: Duration = Shell.defaultTimeout) async throws {
    try await port.agent.waitUntilReady(timeout: timeout)
  }

  /// Runs a command in the guest and returns how it ended, whatever its status.
  public func run(_ command: String, timeout: Duration = Shell.defaultTimeout) async throws
    -> CommandResult
  {
    try await shell.run(command, timeout: timeout)
  }

  /// Runs a command in the guest that must succeed and returns its output.
  @discardableResult
  public func check(_ command: String, timeout: Duration = Shell.defaultTimeout) async throws
    -> String
  {
    try await shell.check(command, timeout: timeout)
  }

  /// Asks the guest to shut down, and waits until Xen has forgotten it.
  public func shutdown() async throws {
    try await host.dom0.check("xl shutdown -w \(domid)")
    try await waitUntilGone()
  }

  /// Destroys the domain, and waits until Xen has forgotten it.
  public func destroy() async throws {
    try await host.dom0.check("xl destroy \(domid)")
    try await waitUntilGone()
  }

  /// Asks the guest to reboot and waits until it answers again, under another number.
  public func reboot() async throws {
    let old = domid
    try await host.dom0.check("xl reboot \(old)")
    try await port.agent.waitUntilGone(timeout: Shell.defaultTimeout)
    try await rejoin(replacing: old)
    try await waitUntilReady()
  }

  /// Saves the domain to a file in Dom0, which ends it, and restores it under another number, with
  /// its agent where it was.
  public func saveAndRestore(through file: String) async throws {
    let old = domid
    try await host.dom0.check("xl save \(old) \(file) 2>&1")
    try await port.agent.waitUntilGone(timeout: Shell.defaultTimeout)
    try await host.dom0.check("xl restore \(file) 2>&1")
    try await rejoin(replacing: old, isRunning: true)
  }

  /// After the domain was created again under its number: joins the console of its new life.
  public func joinNextLife() async throws {
    try await port.agent.waitUntilGone(timeout: Shell.defaultTimeout)
    await port.agent.beginSession(machine: name, log: log)
    try await host.relayConsole(of: domid, to: port)
  }

  /// After something in Dom0 replaced the domain: joins the console of the domain that now has this
  /// name.
  private func rejoin(replacing old: Int, isRunning: Bool = false) async throws {
    let answer = try await host.dom0.check("domain-await \(name) \(old)")
    let new = Int(answer) ?? old
    identifier.withLock { $0 = new }
    await port.agent.beginSession(machine: name, log: log, isRunning: isRunning)
    try await host.relayConsole(of: new, to: port)
  }

  /// Waits until the domain is gone, for whatever reason, and its console port is free again.
  public func waitUntilGone(timeout: Duration = Shell.defaultTimeout) async throws {
    try await port.agent.waitUntilGone(timeout: timeout)
    await host.consoles.giveBack(port)
  }
}
