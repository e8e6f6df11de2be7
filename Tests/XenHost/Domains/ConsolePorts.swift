/// The virtio ports that carry the consoles of domains out of the machine.
actor ConsolePorts {
  /// One port: its name in Dom0 and the connection to whoever answers on it.
  struct Port: Sendable {
    let name: String
    let agent: AgentConnection
  }

  private var free: [Port]

  init(streams: [SocketStream], hostLog: @escaping @Sendable () -> String) {
    free = streams.enumerated().map { index, stream in
      Port(
        name: "console\(index + 1)", agent: AgentConnection(stream: stream, hostLog: hostLog))
    }
  }

  func take() throws -> Port {
    if free.isEmpty { throw XenHostError.noConsolePort }
    return free.removeFirst()
  }

  func giveBack(_ port: Port) { free.append(port) }
}
