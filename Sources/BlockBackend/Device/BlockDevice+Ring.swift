import Logging
import RingTransport
import SystemPackage

/// Connecting and disconnecting the ring.
extension BlockDevice where Xen: ~Copyable, Storage: ~Copyable, Transport: ~Copyable {
  /// Judges the frontend's nodes, and connects or compares.
  mutating func takeRing(_ values: [String?], compares: Bool) {
    let parameters: RingParameters
    do throws(RingParametersError) {
      parameters = try RingParameters(values: values)
    } catch {
      if compares { return handle(.ringChanged) }
      return isAdopting
        ? postponeAdoption(error.description) : handle(.ringFailed(error.description))
    }
    if compares {
      handle(parameters == ringParameters ? .ringUnchanged : .ringChanged)
      return
    }
    do throws(RingConnectionError) {
      try connect(parameters)
      log.info(
        isAdopting ? "taken over" : "connected",
        metadata: [
          "after-order-microseconds": "\((MonotonicClock.nanoseconds() - startedAt) / 1000)",
          "layout": "\(parameters.abi.rawValue)", "pages": "\(parameters.references.count)",
          "finished-response": "\(queue?.ring.hasRecovered ?? false)",
        ])
      if isAdopting { finishAdoption() } else { handle(.ringConnected) }
    } catch {
      if isAdopting {
        postponeAdoption(error.description)
      } else {
        handle(.ringFailed(error.description))
      }
    }
  }

  private mutating func connect(_ parameters: RingParameters) throws(RingConnectionError) {
    guard let geometry else { throw .noTarget }
    let pages: SharedPages
    do throws(Errno) {
      pages = try hypervisor.map(parameters.references, of: leaf.frontendDomain)
    } catch {
      throw .map(error)
    }
    let port: EventChannelPort
    do throws(Errno) {
      port = try hypervisor.bind(parameters.port, of: leaf.frontendDomain)
    } catch {
      throw .bind(error)
    }
    do throws(BlockQueueError) {
      queue = try BlockQueue(
        pages: pages, abi: parameters.abi, frontendDomain: leaf.frontendDomain, port: port,
        geometry: geometry, bufferByteCount: settings.bufferByteCount, adopts: isAdopting,
        isInOrder: settings.isInOrder)
    } catch {
      hypervisor.unbind(port)
      throw .attach(error)
    }
    let mode = targetMode
    queue?.targetMode = mode
    ringParameters = parameters
    deadlines.set(.capacity, now + Self.capacityInterval)
  }

  /// Takes no more requests, and lets go of the ring when those in flight are answered.
  mutating func quiesce() {
    deadlines.clear(.capacity)
    isQuiescing = true
    queue?.drain()
    quiesceLostTarget()
    finishQuiesceIfIdle()
  }

  /// Lets go of a drained ring: its pages are unmapped and its port closed before the frontend sees
  /// a state that lets it take them back.
  mutating func finishQuiesceIfIdle() {
    guard isQuiescing, (queue?.isIdle ?? true) || canAbandonRequests else { return }
    isQuiescing = false
    if let drained = queue.take() {
      var metadata = drained.statistics.metadata
      metadata["peak-resident-kib"] = ProcessUsage.peakResidentKiB.map { "\($0)" }
      log.info("disconnected", metadata: metadata)
      hypervisor.unbind(drained.port)
    }
    ringParameters = nil
    handle(.quiesced)
  }
}

/// Why a ring could not be connected.
enum RingConnectionError: Error, CustomStringConvertible {
  case noTarget
  case map(Errno)
  case bind(Errno)
  case attach(BlockQueueError)

  var description: String {
    switch self {
    case .noTarget: "the target is not open"
    case .map(let errno): "cannot map the frontend's ring: \(errno)"
    case .bind(let errno): "cannot bind the frontend's event channel: \(errno)"
    case .attach(let error): error.description
    }
  }
}
