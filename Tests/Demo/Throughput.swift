import XenHost

/// `make throughput`, the disk's part: one guest, one disk from our driver domain and one from
/// Linux's own xen-blkback in Dom0, the same jobs on both by turns in the same boot.
///
/// The machine is emulated and shared: only the ratios mean something. For the record; a real
/// comparison has both backends in driver domains.
enum Throughput {
  /// How often each job runs on each disk.
  static let rounds = 3

  /// A job of fio and what to take from its terse output (`fio --minimal`, version 3).
  struct Job {
    let name: String
    let options: String
    let unit: String
    let field: Int
  }

  static let jobs = [
    Job(
      name: "sequential read", options: "--rw=read --bs=128k --iodepth=8", unit: "KiB/s", field: 6),
    Job(
      name: "sequential write", options: "--rw=write --bs=128k --iodepth=8", unit: "KiB/s",
      field: 47),
    Job(
      name: "4 KiB random read", options: "--rw=randread --bs=4k --iodepth=32", unit: "IOPS",
      field: 7),
    Job(
      name: "4 KiB random write", options: "--rw=randwrite --bs=4k --iodepth=32", unit: "IOPS",
      field: 48),
    Job(
      name: "4 KiB random read, depth 1", options: "--rw=randread --bs=4k --iodepth=1",
      unit: "IOPS",
      field: 7),
  ]

  /// Runs all jobs and prints a table and one JSON object.
  static func run(on host: XenHost) async throws {
    _ = try await DiskDomain(on: host)
    let guest = try await host.startGuest(
      .guest(
        "bench",
        disks: [
          DiskDomain.partition("scratch"), .dom0("xvdb", target: "\(XenHost.dom0Disk)5"),
          DiskDomain.tools,
        ]))
    try await DiskDomain.mountTools(in: guest)
    var entries: [String] = []
    for job in jobs {
      var ours: [Double] = []
      var peer: [Double] = []
      for round in 0...rounds {
        let own = try await measure(job, on: "xvda", in: guest)
        let other = try await measure(job, on: "xvdb", in: guest)
        // The first pair warms up.
        if round > 0 {
          ours.append(own)
          peer.append(other)
        }
      }
      entries.append(Comparison(ours, peer).report(job.name, job.unit, "blkback"))
    }
    print("[\(entries.joined(separator: ", "))]")
    try await guest.shutdown()
  }

  private static func measure(_ job: Job, on device: String, in guest: Domain) async throws
    -> Double
  {
    let output = try await guest.check(
      """
      /tools/fio/fio --minimal --name=job --filename=/dev/\(device) --direct=1 --size=256M \
        --ioengine=libaio --time_based --runtime=4 \(job.options)
      """, timeout: .seconds(300))
    let fields = output.split(separator: ";", omittingEmptySubsequences: false)
    return fields.count > job.field ? Double(fields[job.field]) ?? 0 : 0
  }
}
