import Testing
import XenHost

/// What the kernels of some guests have said up to now.
struct KernelLogs {
  private let guests: [Domain]
  private let texts: [String]

  init(of guests: [Domain]) async throws {
    self.guests = guests
    texts = try await Self.read(guests)
  }

  /// Expects that no kernel has said anything since.
  ///
  /// - Parameter exceptions: what may be part of a line.
  func expectSilence(but exceptions: [String] = []) async throws {
    for ((guest, before), now) in zip(zip(guests, texts), try await Self.read(guests)) {
      let lines = now.dropFirst(before.count).split(separator: "\n").filter { line in
        !exceptions.contains { line.contains($0) }
      }
      #expect(now.hasPrefix(before) && lines.isEmpty, "\(guest.name): \(lines)")
    }
  }

  /// All but the kernels' remarks on their clocks: an emulated machine stands still now and then.
  private static func read(_ guests: [Domain]) async throws -> [String] {
    var texts: [String] = []
    for guest in guests {
      let clocks = "hrtimer|clocksource|tsc|sched_clock"
      texts.append(try await guest.check("dmesg | grep -vE ' (\(clocks)): '"))
    }
    return texts
  }
}
