/// Guests: their lives, from `xl create` on.
extension XenHost {
  /// Runs `xl create`. The domain runs when this returns, unless it is to be paused; its guest is
  /// still starting.
  ///
  /// When `xl` fails, `XenHostError.result` has what it printed.
  public func createDomain(
    _ configuration: DomainConfiguration, isPaused: Bool = false
  ) async throws -> Domain {
    let name = configuration.name
    let file = "/run/xl/\(name).cfg"
    try await dom0.writeFile(file, configuration.text)
    let port = try await consoles.take()
    let log = ConsoleLog(path: "\(logDirectory)/\(name).log")
    do {
      try await dom0.check("xl create -q \(isPaused ? "-p " : "")\(file)")
      let domid = try await domid(of: name)
      await port.agent.beginSession(machine: name, log: log)
      try await relayConsole(of: domid, to: port)
      return Domain(name: name, domid: domid, host: self, port: port, log: log)
    } catch {
      await consoles.giveBack(port)
      throw error
    }
  }

  /// Creates a guest and waits until it answers. One that does not is destroyed again, so that it
  /// keeps nothing from the scenarios that follow.
  public func startGuest(_ configuration: DomainConfiguration) async throws -> Domain {
    try await startGuests([configuration])[0]
  }

  /// Creates guests and waits until all answer: they start side by side.
  public func startGuests(_ configurations: [DomainConfiguration]) async throws -> [Domain] {
    var guests: [Domain] = []
    do {
      for configuration in configurations { guests.append(try await createDomain(configuration)) }
      for guest in guests { try await guest.waitUntilReady() }
    } catch {
      for guest in guests { try? await guest.destroy() }
      throw error
    }
    return guests
  }

  /// The numbers and states of all domains, as `xl list` prints them.
  public func listDomains() async throws -> String { try await dom0.check("xl list") }

  /// The value of a XenStore node, or nil if there is none.
  public func readXenStore(_ node: String) async throws -> String? {
    let result = try await dom0.run("xenstore-read '\(node)'")
    return result.succeeded ? result.output : nil
  }

  /// Waits until a XenStore node exists, and holds `value` if one is given.
  @discardableResult
  public func waitForXenStore(
    _ node: String, value: String? = nil, timeout: Duration = Shell.defaultTimeout
  ) async throws -> String {
    let wanted = value.map { " '\($0)'" } ?? ""
    return try await dom0.check("xenstore-await '\(node)'\(wanted)", timeout: timeout)
  }

  /// Waits until a XenStore node is gone.
  public func waitForXenStoreRemoval(
    _ node: String, timeout: Duration = Shell.defaultTimeout
  ) async throws {
    try await dom0.check("xenstore-await -d '\(node)'", timeout: timeout)
  }

  func relayConsole(of domid: Int, to port: ConsolePorts.Port) async throws {
    try await dom0.check(
      "setsid console-relay \(domid) \(port.name) </dev/null >/run/relay-\(port.name).log 2>&1 &")
  }

  private func domid(of name: String) async throws -> Int {
    let answer = try await dom0.check("xl domid \(name)")
    guard let domid = Int(answer) else {
      throw XenHostError.commandFailed(
        machine: dom0.name, command: "xl domid \(name)",
        result: CommandResult(status: 0, bytes: Array(answer.utf8)), log: serialLog)
    }
    return domid
  }
}
