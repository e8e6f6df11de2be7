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
  func expectSilence() async throws {
    for ((guest, before), now) in zip(zip(guests, texts), try await Self.read(guests)) {
      #expect(now == before, "\(guest.name): \(now.dropFirst(before.count))")
    }
  }

  /// All but the kernels' remarks on their clocks: an emulated machine stands still now and then.
  private static func read(_ guests: [Domain]) async throws -> [String] {
    var texts: [String] = []
    for guest in guests {
      texts.append(try await guest.check("dmesg | grep -vE ' (hrtimer|clocksource): '"))
    }
    return texts
  }
}
