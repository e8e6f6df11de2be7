import Foundation
import XenHost

/// `make demo`: the main job on real input, from nothing to a result, in a few minutes.
///
/// Boots real Xen, starts a driver domain with a passed-through disk and one with a passed-through
/// network card, and lets two unmodified guests work on their own partitions at the same time, and
/// send what is on them to each other and to the outside. The last line of its output is one JSON
/// object; the exit status is 0 only when nothing went wrong.
///
/// Both are PV: QEMU's emulation of hardware virtualisation kills a PVH guest now and then that is
/// busy with its network (Xen's dump shows Xen's own registers in the guest's place).
@main struct Demo {
  /// How much each guest writes and reads back.
  static let mebibytesEach = 64

  static func main() async {
    let words = CommandLine.arguments.dropFirst()
    switch words.first {
    case nil: break
    case "bench":
      guard let options = BenchOptions(words.dropFirst()) else { refuse("bench") }
      await measure(with: {
        HostConfiguration(images: [.disk, try .networkWithSink(), .peer])
      }) { try await Bench.run(on: $0, options) }
    case "restart":
      guard let options = RestartOptions(words.dropFirst()) else { refuse("restart") }
      await measure(with: {
        HostConfiguration(images: [.disk, .network], files: DomainKeeper.files)
      }) { try await RestartBench(on: $0, options).run() }
    case let word?: refuse(word)
    }
    let start = ContinuousClock.now
    var report = Report()
    do {
      report = try await run()
    } catch {
      FileHandle.standardError.write(Data("demo: \(error)\n".utf8))
    }
    let seconds = (ContinuousClock.now - start).components.seconds
    print(report.json(seconds: Int(seconds)))
    exit(report.isGood ? 0 : 1)
  }

  private static func refuse(_ word: String) -> Never {
    FileHandle.standardError.write(
      Data(
        """
        demo: not understood: \(word). Usage:
        Demo
        \(BenchOptions.usage)
        \(RestartOptions.usage)

        """.utf8))
    exit(2)
  }

  /// Boots the host, runs a measurement on it, and ends the process.
  private static func measure(
    with configuration: @Sendable () throws -> HostConfiguration,
    _ body: @Sendable (XenHost) async throws -> Void
  ) async -> Never {
    do {
      let host = try await XenHost.boot(try configuration())
      try await body(host)
      await host.powerOff()
      exit(0)
    } catch {
      FileHandle.standardError.write(Data("demo: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run() async throws -> Report {
    Output.say("booting Xen")
    let host = try await XenHost.boot(HostConfiguration(images: [.disk, .network]))
    Output.say("starting the disk and the network driver domain")
    let disk = try await DiskDomain(on: host)
    let network = try await NetworkDomain(on: host)
    for directory in [disk.directory, network.directory] {
      Output.say(try await host.dom0.check("xenstore-ls \(directory)/data/driver-domain"))
    }
    Output.say("starting two guests with a disk and a network interface each")
    let guests = [
      try await host.startGuest(
        .guest(
          "guest-one", disks: [DiskDomain.partition("guest1")],
          interfaces: [network.interface(1)])),
      try await host.startGuest(
        .guest(
          "guest-two", disks: [DiskDomain.partition("guest2")],
          interfaces: [network.interface(2)])),
    ]
    var report = Report()
    report.guests = guests.count
    try await withThrowingTaskGroup(of: Int.self) { group in
      for guest in guests { group.addTask { try await work(in: guest) } }
      for try await bytes in group { report.bytesVerified += bytes }
    }
    report.network = try await NetworkDemo.run(guests, on: network)
    for guest in guests {
      report.guestErrors += try await errorCount(in: guest)
      try await guest.check("umount /mnt && e2fsck -fn /dev/xvda")
      try await guest.shutdown()
      Output.say("\(guest.name) is gone")
    }
    for domain in [disk.domain, network.domain] {
      Output.say(
        domain.consoleLog.split(separator: "\n").filter { $0.contains("disconnected") }
          .joined(separator: "\n"))
    }
    await host.powerOff()
    return report
  }

  /// Makes a file system, fills a file, reads it back from the disk.
  ///
  /// - Returns: the bytes that read back as they were written.
  private static func work(in guest: Domain) async throws -> Int {
    let limit = Duration.seconds(600)
    try await guest.check("mkfs.ext4 -q /dev/xvda && mount -t ext4 /dev/xvda /mnt", timeout: limit)
    Output.say("\(guest.name): writes \(mebibytesEach) MiB")
    try await guest.check(
      "dd if=/dev/urandom of=/mnt/data bs=1M count=\(mebibytesEach) && sync", timeout: limit)
    let written = try await guest.check("sha256sum /mnt/data", timeout: limit)
    // Unmounted in between, so that the guest's memory cannot stand in for the disk.
    try await guest.check("umount /mnt && mount -t ext4 /dev/xvda /mnt", timeout: limit)
    let read = try await guest.check("sha256sum /mnt/data", timeout: limit)
    Output.say(
      "\(guest.name): \(read == written ? "read back what it wrote" : "READ SOMETHING ELSE")")
    return read == written ? mebibytesEach << 20 : 0
  }

  /// The lines of a guest's kernel log that a disk's failure leaves.
  private static func errorCount(in guest: Domain) async throws -> Int {
    let log = try await guest.check("dmesg")
    let signs = ["I/O error", "EXT4-fs error", "disabled for further use"]
    return log.split(separator: "\n").filter { line in
      signs.contains { line.contains($0) }
    }.count
  }
}

/// What came out of it.
struct Report {
  var guests = 0
  var bytesVerified = 0
  var guestErrors = 0
  var network = NetworkReport()

  /// Whether everything was done, without an error.
  var isGood: Bool {
    guests == 2 && bytesVerified == guests * (Demo.mebibytesEach << 20) && guestErrors == 0
      && network.isGood
  }

  /// The last line of the output.
  func json(seconds: Int) -> String {
    """
    {"ok": \(isGood), "guests": \(guests), "bytes_verified": \(bytesVerified), \
    "guest_errors": \(guestErrors), "net_bytes_verified": \(network.bytesVerified), \
    "net_errors": \(network.errors), "ping_lost": \(network.pingsLost), "seconds": \(seconds)}
    """
  }
}
