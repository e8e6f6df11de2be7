/// Rehearsals of failures in a driver domain (`data/driver-domain/drill`).
extension XenHost {
  /// Has a driver domain's init signal one backend after the other, until there were `count`
  /// restarts.
  ///
  /// - Parameters:
  ///   - drill: `kill:300` kills one every 300 ms; `stop:` hangs them, `term:` replaces them.
  ///   - directory: the driver domain's directory in XenStore.
  ///   - limit: how long that may take.
  /// - Returns: restarts meanwhile.
  @discardableResult
  public func runDrill(
    _ drill: String, in directory: String, restarts count: Int, limit: Duration
  ) async throws -> Int {
    let before = try await restarts(in: directory)
    return try await whileDrilling(drill, in: directory) {
      let end = ContinuousClock.now + limit
      var made = 0
      repeat {
        try await dom0.check("sleep 1")
        made = try await restarts(in: directory) - before
      } while made < count && ContinuousClock.now < end
    }.restarts
  }

  /// Has a driver domain's init signal one backend after the other for as long as `body` takes.
  ///
  /// - Returns: what `body` does, and how many restarts there were meanwhile.
  public func whileDrilling<Value>(
    _ drill: String, in directory: String, _ body: () async throws -> Value
  ) async throws -> (value: Value, restarts: Int) {
    let node = "\(directory)/data/driver-domain/drill"
    let before = try await restarts(in: directory)
    try await dom0.check("xenstore-write \(node) \(drill)")
    let value: Value
    do {
      value = try await body()
    } catch {
      // Whoever comes next wants to begin in peace.
      _ = try? await dom0.check("xenstore-write \(node) ''")
      throw error
    }
    try await dom0.check("xenstore-write \(node) ''")
    return (value, try await restarts(in: directory) - before)
  }

  /// How often backends were restarted, of the devices that there are.
  public func restarts(in directory: String) async throws -> Int {
    let answer = try await dom0.run(
      """
      for node in $(xenstore-list \(directory)/data/driver-domain/devices 2>/dev/null); do
        xenstore-read \(directory)/data/driver-domain/devices/$node 2>/dev/null
      done
      """
    ).output
    return answer.split(separator: "\n").reduce(0) { sum, line in
      sum + (line.split(separator: " ").last.flatMap { Int($0) } ?? 0)
    }
  }
}
