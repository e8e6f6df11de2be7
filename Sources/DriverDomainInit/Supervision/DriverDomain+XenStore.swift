import Logging
import RingTransport
import SystemPackage

/// The connection to XenStore.
extension DriverDomain where Transport: ~Copyable {
  private static var backendToken: String { "backend" }
  private static var shutdownToken: String { "shutdown" }
  private static var captureToken: String { "capture" }
  private static var drillToken: String { "drill" }
  private static var reportToken: String { "report" }
  private static var updateToken: String { "update" }

  func connectToXenStore() {
    reconnectDeadline = nil
    do throws(Errno) {
      let client = XenStoreClient(try connect())
      try loop.watch(
        client.fileDescriptor, as: .xenStore, isNew: true)
      self.client = consume client
    } catch {
      if !hasReportedConnection {
        log.critical(
          "no XenStore: no guest can be served; is this a Xen domain?",
          metadata: ["reason": "\(error)"])
        hasReportedConnection = true
      }
      reconnectDeadline = MonotonicClock.milliseconds() + Self.reconnectMilliseconds
      return
    }
    hasReportedConnection = false
    log.info("connected to XenStore")
    // Linux answers control/shutdown of a full distribution itself, by its own init.
    if options.isProcessOne {
      submit([.watch("control/shutdown", token: Self.shutdownToken)], for: .watch)
    }
    if isSettled { watchBackends() }
    publish()
  }

  /// Begins to serve: the watch's first event is the first scan.
  func watchBackends() {
    guard client != nil else { return }
    isServing = true
    log.info("serving")
    submit([.watch("backend", token: Self.backendToken)], for: .watch)
    submit([.watch(Self.drillNode, token: Self.drillToken)], for: .watch)
    submit([.watch(StatisticsReport.questionNode, token: Self.reportToken)], for: .watch)
    submit([.watch(DomainStatus.updateDirectory, token: Self.updateToken)], for: .watch)
    if network != nil {
      submit([.watch(DomainStatus.captureDirectory, token: Self.captureToken)], for: .watch)
    }
  }

  /// Writes what changed of the domain's own nodes.
  func publish() {
    guard client != nil else { return }
    status.errors =
      escalationProblem + options.problems + storage.problems + networkProblems
      + (network?.problems ?? [])
    status.network = network?.summary
    status.captured = captures.results
    status.updated = updates.results
    if published == nil { submit(DomainStatus.cleaning, for: .publish) }
    let operations = status.operations(after: published ?? [:])
    if operations.isEmpty { return }
    published = status.nodes
    submit(operations, transaction: true, for: .publish)
  }

  /// Reads a leaf's state, one read at a time: the last answer is the one that counts.
  func observe(_ leaf: BackendLeaf) {
    // With the connection everything is read anew.
    guard client != nil else { return }
    if observations[leaf] != nil {
      observations[leaf] = true
      return
    }
    observations[leaf] = false
    submit([.read(leaf.node("state"))], for: .observe(leaf))
  }

  func startScan() {
    guard scan == nil else {
      isScanStale = true
      return
    }
    scan = BackendScan()
    submit(BackendScan.firstOperations, for: .scan)
  }

  func updateOutputInterest() {
    guard let wantsToWrite = client?.wantsToWrite, wantsToWrite != isWaitingForOutput,
      let descriptor = client?.fileDescriptor
    else { return }
    isWaitingForOutput = wantsToWrite
    do throws(Errno) {
      try loop.watch(
        descriptor, as: .xenStore, isNew: false,
        forWriting: wantsToWrite)
    } catch {
      disconnect("\(error)")
    }
  }

  /// Takes what has come. The client wants its events taken before every wait, for a request can
  /// bring events at once.
  func handleXenStore() {
    guard client != nil else { return }
    do throws(XenStoreFailure) {
      try client?.process()
    } catch {
      disconnect("\(error)")
      return
    }
    while let event = client?.nextEvent() {
      switch event {
      case .watch(let path, let token): handleWatch(path, token: token)
      case .completed(let identifier, let results):
        if let request = requests.removeValue(forKey: identifier) {
          handle(request, results)
        }
      }
    }
  }

  /// Sends a request, and says whether there is a connection to send it through.
  @discardableResult
  func submit(
    _ operations: [XenStoreOperation], transaction: Bool = false, for request: Request
  ) -> Bool {
    guard let identifier = client?.submit(operations, transaction: transaction) else {
      return false
    }
    requests[identifier] = request
    return true
  }

  private func disconnect(_ reason: String) {
    log.error("connection to XenStore lost", metadata: ["reason": "\(reason)"])
    client = nil
    let lost = requests
    requests = [:]
    observations = [:]
    configurations.endAll()
    isServing = false
    captureScan = nil
    scan = nil
    isScanStale = false
    published = nil
    isWaitingForOutput = false
    reconnectDeadline = MonotonicClock.milliseconds() + Self.reconnectMilliseconds
    // A start that waits for these answers would wait for ever.
    for case .readInterface(let leaf) in lost.values {
      handle(.startFailed(leaf, reason: "connection to XenStore lost"))
    }
  }

  private func handleWatch(_ path: XenStorePath, token: String) {
    if token == Self.shutdownToken {
      submit([.read("control/shutdown")], for: .readShutdown)
      return
    }
    if token == Self.captureToken {
      listCaptures()
      return
    }
    if token == Self.drillToken {
      submit([.read(Self.drillNode)], for: .readDrill)
      return
    }
    if token == Self.reportToken {
      submit([.read(StatisticsReport.questionNode)], for: .readReport)
      return
    }
    if token == Self.updateToken {
      submit(UpdateOrder.reads, for: .listUpdates)
      return
    }
    switch BackendChange(path: path.description) {
    case .leaf(let leaf):
      if isServed(leaf) { observe(leaf) }
    case .configuration(let leaf): changeConfiguration(of: leaf)
    case .tree: startScan()
    case .detail: break
    }
  }

  private func handle(
    _ request: Request, _ results: [Result<XenStoreReply, XenStoreError>]
  ) {
    switch request {
    case .observe(let leaf): finishObservation(of: leaf, results.first)
    case .readInterface(let leaf): startInterface(leaf, results)
    case .readConfiguration(let leaf): finishConfiguration(of: leaf, results)
    case .scan: continueScan(results)
    case .listCaptures: readCaptures(results.first)
    case .readCaptures(let nodes): acceptCaptures(nodes, results)
    case .listUpdates: acceptUpdates(results)
    case .readDrill: acceptDrill(results)
    case .readReport: acceptReport(results)
    case .readShutdown: considerShutdown(results)
    case .acceptShutdown: acceptShutdown(results)
    case .publish, .watch:
      if case .publish = request, isServing { startTemplates() }
      // An aborted operation only failed because another one did.
      for (index, result) in results.enumerated() {
        guard case .failure(let error) = result, error != .aborted, error != .alreadyExists else {
          continue
        }
        log.error(
          "XenStore refused a request", metadata: ["reason": "\(error)", "operation": "\(index)"])
      }
    }
  }

  private func finishObservation(
    of leaf: BackendLeaf, _ result: Result<XenStoreReply, XenStoreError>?
  ) {
    if observations.removeValue(forKey: leaf) == true {
      observe(leaf)
      return
    }
    switch result {
    case .success(.value(let text)): handle(.observed(leaf, state: Int(text)))
    case .failure(let error) where error != .noEntry:
      log.error(
        "cannot read a device's state", metadata: ["device": "\(leaf)", "reason": "\(error)"])
      handle(.vanished(leaf))
    default: handle(.vanished(leaf))
    }
  }

  private func continueScan(_ results: [Result<XenStoreReply, XenStoreError>]) {
    switch scan?.accept(results) {
    case .next(let operations): submit(operations, for: .scan)
    case .finished(let leaves):
      scan = nil
      let served = leaves.filter(isServed)
      removeStaleInterfaces(served)
      handle(.listed(served))
      if isScanStale {
        isScanStale = false
        startScan()
      }
    case nil: break
    }
  }

  /// Linux watches `control/shutdown` too, and whoever reads it first clears it. Linux then runs
  /// /sbin/poweroff or /sbin/reboot, which signal us, so either way leads here once.
  private func considerShutdown(_ results: [Result<XenStoreReply, XenStoreError>]) {
    guard case .success(.value(let value)) = results.first, !value.isEmpty else { return }
    guard PowerRequest(controlValue: value) != nil else {
      log.warning("ignored", metadata: ["control/shutdown": "\(value)"])
      return
    }
    // The value counts that the transaction itself sees.
    submit(
      [.read("control/shutdown"), .write("control/shutdown", "")], transaction: true,
      for: .acceptShutdown)
  }

  private func acceptShutdown(_ results: [Result<XenStoreReply, XenStoreError>]) {
    guard case .success(.value(let value)) = results.first,
      let request = PowerRequest(controlValue: value)
    else { return }
    stop(request)
  }
}
