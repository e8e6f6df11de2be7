import XenHost

/// The disks' part of ``Bench``: fio in a guest that has a partition from each backend. QEMU is in
/// the domain with Linux's.
enum BlockBench {
  /// As much for either driver domain, in MiB.
  static let memory = 192
  /// What a job uses of its disk, in MiB: all of the smallest.
  private static let mebibytes = 256

  /// A job of fio.
  private struct Load {
    let name: String
    let options: String
    /// Bytes a request.
    let blockBytes: Int
    var guestCount = 1

    /// Whether requests count, and not bytes.
    var isSmall: Bool { blockBytes == 4096 }
    /// What the report calls it.
    var title: String { "block \(name)" }
  }

  private static let loads = [
    Load(name: "randread 4 KiB, depth 1", options: "--rw=randread --iodepth=1", blockBytes: 4096),
    Load(name: "randread 4 KiB, depth 32", options: "--rw=randread --iodepth=32", blockBytes: 4096),
    Load(name: "randwrite 4 KiB, depth 1", options: "--rw=randwrite --iodepth=1", blockBytes: 4096),
    Load(
      name: "randwrite 4 KiB, depth 32", options: "--rw=randwrite --iodepth=32", blockBytes: 4096),
    Load(name: "read 128 KiB, depth 8", options: "--rw=read --iodepth=8", blockBytes: 128 << 10),
    Load(name: "read 1 MiB, depth 8", options: "--rw=read --iodepth=8", blockBytes: 1 << 20),
    Load(name: "write 128 KiB, depth 8", options: "--rw=write --iodepth=8", blockBytes: 128 << 10),
    Load(name: "write 1 MiB, depth 8", options: "--rw=write --iodepth=8", blockBytes: 1 << 20),
    Load(
      name: "mixed 70/30 4 KiB, depth 32", options: "--rw=randrw --rwmixread=70 --iodepth=32",
      blockBytes: 4096),
    Load(
      name: "write 4 KiB and fsync", options: "--rw=randwrite --iodepth=1 --fsync=1",
      blockBytes: 4096),
    Load(
      name: "two guests, randread 4 KiB, depth 32", options: "--rw=randread --iodepth=32",
      blockBytes: 4096, guestCount: 2),
  ]

  /// The names of all jobs.
  static let jobNames = loads.map(\.title)

  static func run(
    on host: XenHost, ours: DiskDomain, _ options: BenchOptions
  ) async throws -> [Comparison] {
    let peer = try await LinuxDiskDomain(on: host, memory: memory)
    let guests = try await host.startGuests(
      [("guest1", "volumes"), ("guest2", "scratch")].map { label, other in
        .guest(
          "bench-\(label)",
          disks: [
            DiskDomain.partition(label),
            LinuxDiskDomain.partition(label, as: "xvdb", type: "phy"),
            LinuxDiskDomain.partition(other, as: "xvdc", type: "qdisk"),
            DiskDomain.tools,
          ])
      })
    for guest in guests {
      try await DiskDomain.mountTools(in: guest)
      // No holes, so that reads reach the disk, and writes need no allocation outside.
      try await guest.check(
        """
        for d in xvda xvdb xvdc; do
          dd if=/dev/zero of=/dev/$d bs=1M count=\(mebibytes) 2>/dev/null; sync
        done
        """,
        timeout: .seconds(300))
    }
    let runner = BenchRunner(
      host: host,
      sides: [(.ours, ours.domain), (.linux, peer.domain), (.qemu, peer.domain)], options: options)
    let comparisons = try await runner.run(
      loads.map { load in
        BenchJob(
          name: load.title, unit: load.isSmall ? "IOPS" : "MiB/s", workUnit: "GiB"
        ) { side in
          try await measure(load, on: side, in: guests.prefix(load.guestCount), options.seconds)
        }
      })
    for guest in guests { try await guest.shutdown() }
    return comparisons
  }

  private static func measure(
    _ load: Load, on side: BenchSide, in guests: some Sequence<Domain>, _ seconds: Int
  ) async throws -> BenchResult {
    try await withThrowingTaskGroup(of: FioReport.self) { group in
      for guest in guests {
        group.addTask { try await fio(load, on: side, in: guest, seconds) }
      }
      var result = BenchResult(rate: 0, work: 0)
      for try await report in group {
        let mebibytes = report.requestsPerSecond * Double(load.blockBytes) / Double(1 << 20)
        result.rate += load.isSmall ? report.requestsPerSecond : mebibytes
        result.work += report.kibibytes / Double(1 << 20)
      }
      return result
    }
  }

  private static func fio(
    _ load: Load, on side: BenchSide, in guest: Domain, _ seconds: Int
  ) async throws -> FioReport {
    let device = "/dev/" + ["xvda", "xvdb", "xvdc"][side.rawValue]
    // What QEMU has kept in its domain's memory must not burden whoever comes next.
    let output = try await guest.check(
      """
      /tools/fio/fio --minimal --name=job --filename=\(device) --direct=1 --size=\(mebibytes)M \
        --ioengine=libaio --time_based --runtime=\(seconds) --randrepeat=0 --norandommap=1 \
        --bs=\(load.blockBytes) \(load.options) && sync -d \(device)
      """, timeout: .seconds(300))
    return try FioReport(terse: output)
  }
}
