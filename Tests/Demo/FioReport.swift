/// What a run of fio has come to, reads and writes together: its terse output (`fio --minimal`,
/// version 3).
struct FioReport {
  /// Requests a second.
  let requestsPerSecond: Double
  /// All that moved, in KiB.
  let kibibytes: Double

  init(terse output: String) throws {
    let fields = output.split(separator: ";", omittingEmptySubsequences: false)
    // Of either direction: KiB in all, KiB a second, requests a second.
    guard fields.count > 48, let kibibytesRead = Double(fields[5]), let reads = Double(fields[7]),
      let kibibytesWritten = Double(fields[46]), let writes = Double(fields[48])
    else { throw FioReportError.noFigures(output) }
    requestsPerSecond = reads + writes
    kibibytes = kibibytesRead + kibibytesWritten
  }
}

/// What fio printed made no sense.
enum FioReportError: Error {
  case noFigures(String)
}
