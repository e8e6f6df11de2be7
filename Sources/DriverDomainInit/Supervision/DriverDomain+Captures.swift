import Glibc
import Logging
import RingTransport
import SystemPackage

/// Captures that Dom0 asks for.
extension DriverDomain where Transport: ~Copyable {
  /// Nodes that are looked at; ``CaptureControl`` runs fewer.
  private static var nodeCountMax: Int { 64 }

  /// Reads the orders anew: their names, then their texts.
  func listCaptures() {
    guard captureScan == nil else {
      captureScan = true
      return
    }
    captureScan = false
    submit([.list(DomainStatus.captureDirectory)], for: .listCaptures)
  }

  func readCaptures(_ result: Result<XenStoreReply, XenStoreError>?) {
    guard case .success(.list(let names)) = result, !names.isEmpty else {
      acceptCaptures([], [])
      return
    }
    let nodes = Array(names.prefix(Self.nodeCountMax))
    let reads = nodes.map { XenStoreOperation.read(DomainStatus.captureDirectory.appending($0)) }
    submit(reads, for: .readCaptures(nodes))
  }

  func acceptCaptures(_ nodes: [String], _ results: [Result<XenStoreReply, XenStoreError>]) {
    var wanted: [String: String] = [:]
    for (node, result) in zip(nodes, results) {
      // A shell writes an empty node first where it makes directories.
      if case .success(.value(let text)) = result, !text.isEmpty { wanted[node] = text }
    }
    let isStale = captureScan == true
    // An interface that was made a moment ago counts, and a refusal is for good.
    _ = network?.readLinks()
    captureScan = nil
    handle(capture: .wanted(wanted, interfaces: network?.links.map(\.name) ?? []))
    if isStale { listCaptures() }
  }

  func handle(capture event: CaptureControl.Event) {
    let now = MonotonicClock.milliseconds()
    var events = [event]
    while !events.isEmpty {
      for action in captures.handle(events.removeFirst(), now: now) {
        switch action {
        case .start(let node, let order): events.append(start(node, order))
        case .terminate(let process): signal(process, SIGTERM)
        case .kill(let process): signal(process, SIGKILL)
        }
      }
    }
    publish()
  }

  private func start(_ node: String, _ order: CaptureOrder) -> CaptureControl.Event {
    guard let program = options.programs.network, power == nil else {
      return .startFailed(node, reason: "the domain is stopping")
    }
    // Files of the volume are guests' disks.
    guard !Files.exists(order.file) else {
      return .startFailed(node, reason: "\(order.file) exists already")
    }
    do throws(Errno) {
      let process = try options.processes.start(.capture(program, order))
      log.info(
        "capture runs as process \(process)",
        metadata: ["interface": "\(order.interface)", "file": "\(order.file)"])
      return .started(node, process: process)
    } catch {
      return .startFailed(node, reason: "\(program): \(error)")
    }
  }

  /// Takes the end of a process, and says whether it was a capture.
  func finishCapture(_ process: Int32, _ end: ProcessEnd) -> Bool {
    guard let file = captures.file(of: process) else { return false }
    log.info("capture ended (\(end))", metadata: ["file": "\(file)"])
    handle(
      capture: .exited(process: process, end: end, byteCount: Files.byteCount(of: file)))
    return true
  }
}
