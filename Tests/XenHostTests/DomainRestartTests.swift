import Testing
import XenHost

extension RealXen {
  /// Whole driver domains die under load, and `ddctl` brings them back under their numbers. The
  /// guests see a pause: no error, nothing lost, not one line in their kernels' logs.
  @Suite("Domain restart", .enabled(if: RealXen.isOurNetwork))
  struct DomainRestartTests {
    /// Deaths of both driver domains by turns; each kind is among the first six.
    private static let deaths = (0..<(RealXen.isSoak ? 50 : 6)).map { number in
      let kinds = DomainDeath.allCases
      let isNetwork = number % 2 == 1
      return (isNetwork, kinds[(number / 2 + (isNetwork ? kinds.count / 2 : 0)) % kinds.count])
    }

    @Test("disks, connections and writes outlive the deaths of both driver domains")
    func outlives() async throws {
      let host = try await RealXen.host
      let disk = try await RealXen.disk
      let begin = ContinuousClock.now
      let network = try await RealXen.network
      let keepers = [
        try await DomainKeeper(of: disk.domain, on: host),
        try await DomainKeeper(of: network.domain, on: host),
      ]
      let traces = try await Dom0Traces(on: host)
      let guests = try await OutlivingGuests.start(network)
      let devices = try await deviceNodes(of: guests)
      print("under load after \(ContinuousClock.now - begin)")
      var restarts: [(isNetwork: Bool, death: DomainDeath, times: DomainRestart)] = []
      for (number, (isNetwork, death)) in Self.deaths.enumerated() {
        let keeper = keepers[isNetwork ? 1 : 0]
        let what: Comment = "death \(number): \(keeper.name), \(death.rawValue)"
        let times = try await keeper.restart(
          by: death.command(round: number, keeper: keeper.startCommand))
        print("\(what): \(times.text)")
        restarts.append((isNetwork, death, times))
        // The same nodes with the same access: nobody can tell that it is another life.
        #expect(try await deviceNodes(of: guests) == devices, what)
        try await guests.expectUnderLoad(what)
      }
      print("all deaths survived after \(ContinuousClock.now - begin)")
      let pauses = try await guests.end()
      print("all found in order after \(ContinuousClock.now - begin)")
      for (isNetwork, death, times) in restarts {
        print(
          RestartRecord(
            domain: isNetwork ? "network" : "disk", death: death, times: times,
            pauses: isNetwork ? pauses.network : pauses.disk
          ).json)
      }
      try await guests.shutdown()
      try await traces.expectNone()
      for keeper in keepers { try await keeper.stop() }
    }

    /// What guests and driver domains see of the guests' devices, with owners and access.
    private func deviceNodes(of guests: OutlivingGuests) async throws -> String {
      let numbers = [guests.first.domid, guests.second.domid]
      let directories = [
        try await RealXen.disk.directory, try await RealXen.network.directory,
      ]
      return try await RealXen.host.dom0.check(
        numbers.map { number in
          """
          for directory in \(directories.joined(separator: " ")); do
            xenstore-ls -fp $directory/backend/vbd/\(number) 2>/dev/null
            xenstore-ls -fp $directory/backend/vif/\(number) 2>/dev/null
          done | sort
          xenstore-ls -fp /local/domain/\(number)/device | sort
          """
        }.joined(separator: "\n"))
    }
  }
}
