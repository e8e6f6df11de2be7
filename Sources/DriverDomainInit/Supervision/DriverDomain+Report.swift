import RingTransport

/// Answering Dom0's questions about what backends have done.
extension DriverDomain where Transport: ~Copyable {
  /// Takes the node's value, and publishes the sums of devices that have a process.
  func acceptReport(_ results: [Result<XenStoreReply, XenStoreError>]) {
    guard case .success(.value(let question)) = results.first else { return }
    var sums: [BackendLeaf: [UInt64]] = [:]
    for leaf in supervisor.processes.keys { sums[leaf] = statuses[leaf]?.statistics() }
    guard let report = StatisticsReport(question: question, sums: sums) else { return }
    status.report = report
    publish()
  }
}
