/// One job of ``Bench``, which runs on our backend and on its peers by turns.
struct BenchJob: Sendable {
  /// What the report calls it.
  let name: String
  /// What its rate counts, a second.
  let unit: String
  /// Of what work the driver domain's processor time is told: `GiB`, or `million packets`.
  let workUnit: String
  /// Runs it on a side.
  let run: @Sendable (BenchSide) async throws -> BenchResult
}

/// What one run of a job reached.
struct BenchResult {
  /// In the job's unit; more is better.
  var rate: Double
  /// In the job's unit of work, over the whole run.
  var work: Double
}

/// One of the backends that are compared.
enum BenchSide: Int {
  case ours
  /// xen-blkback or xen-netback.
  case linux
  /// Of disks only.
  case qemu
}
