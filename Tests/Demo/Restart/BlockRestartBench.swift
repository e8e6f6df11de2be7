import XenHost

/// The disk's part of ``RestartBench``: fio in a guest, 4 KiB random reads and writes, 32 at once.
struct BlockRestartBench {
  /// One death in each; the guest has one disk.
  private static let periodMilliseconds = 1000

  private let bench: RestartBench
  private var host: XenHost { bench.host }
  private let disk: DiskDomain

  init(_ bench: RestartBench, _ disk: DiskDomain) {
    self.bench = bench
    self.disk = disk
  }

  func run() async throws -> RestartFigures {
    let guest = try await host.startGuest(
      .guest(
        "restart-disk", memory: 512, disks: [DiskDomain.partition("scratch"), DiskDomain.tools]))
    // The tools' disk must not take a part of the deaths.
    try await DiskDomain.mountTools(in: guest)
    try await guest.check("cp -r /tools/fio /fio && umount /tools")
    try await host.dom0.check("xl block-detach \(guest.domid) xvdz")

    var figures = RestartFigures()
    let seconds = bench.options.deaths * Self.periodMilliseconds / 1000
    figures.undisturbed = Distribution(try await gaps(in: guest, seconds: seconds / 4))
    let logBefore = disk.domain.consoleLog.count
    let (gaps, restarts) = try await host.whileDrilling(
      "kill:\(Self.periodMilliseconds)", in: disk.directory
    ) {
      try await self.gaps(in: guest, seconds: seconds + 2)
    }
    figures.gaps = Distribution(gaps)
    figures.deaths = restarts
    figures.readLog(disk.domain.consoleLog.dropFirst(logBefore))
    try await savePicture(of: guest)
    (figures.everyTenSeconds, figures.everySecond) = try await bench.throughput(
      in: disk.directory
    ) { try await operations(in: guest) }
    figures.report("disk")
    try await guest.shutdown()
    return figures
  }

  private static let job =
    "/fio/fio --name=job --filename=/dev/xvda --direct=1 --size=256M --ioengine=libaio "
    + "--iodepth=32 --bs=4k --rw=randrw --time_based"

  /// The longest time between two completions in each period, in milliseconds, which is the step of
  /// fio's clock in its logs.
  private func gaps(in guest: Domain, seconds: Int) async throws -> [Double] {
    let text = try await guest.check(
      """
      cd / && rm -f load_*.log
      \(Self.job) --runtime=\(seconds) --write_lat_log=load --disable_clat=1 --disable_slat=1 \
        >/fio.log 2>&1 || { cat /fio.log; exit 1; }
      awk -F, '{
        period = int($1 / \(Self.periodMilliseconds))
        if (NR > 1 && $1 - last > longest[period]) longest[period] = $1 - last
        last = $1
      } END { for (period in longest) print longest[period] }' load_lat.1.log
      """, timeout: .seconds(seconds + 300))
    return text.split(separator: "\n").compactMap { Double($0) }
  }

  /// Draws four seconds out of the middle of the last run.
  private func savePicture(of guest: Domain) async throws {
    let start = bench.options.deaths / 2 * Self.periodMilliseconds
    let text = try await guest.check(
      "awk -F, '$1 >= \(start) && $1 < \(start + LatencyPicture.milliseconds) "
        + "{ print $1 - \(start), $2 / 1000000 }' /load_lat.1.log")
    let samples = text.split(separator: "\n").compactMap { line -> LatencyPicture.Sample? in
      let words = line.split(separator: " ").compactMap { Double($0) }
      return words.count == 2 ? .init(time: words[0], latency: words[1]) : nil
    }
    try Output.save(LatencyPicture(samples).svg, as: "restart-latency.svg")
  }

  /// Operations a second.
  private func operations(in guest: Domain) async throws -> Double {
    let output = try await guest.check(
      "\(Self.job) --minimal --runtime=\(RestartBench.seconds)", timeout: .seconds(300))
    return try FioReport(terse: output).requestsPerSecond
  }
}
