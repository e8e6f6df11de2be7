import RingTransport
import SystemPackage

/// From the target back to the ring.
extension BlockQueue {
  /// Takes in that the target is done with a request's operation.
  ///
  /// - Parameters:
  ///   - token: as given to the target.
  ///   - result: bytes transferred, or a negative error number (`io_uring`'s convention).
  mutating func complete(token: Int, result: Int) {
    precondition(requests[token].phase == .storage, "each operation completes once")
    noteEnded()
    if result < 0 {
      let unsupported =
        requests[token].kind == .discard && Errno(rawValue: CInt(-result)) == .notSupported
      finish(token, unsupported ? .notSupported : .error)
      return
    }
    switch requests[token].kind {
    case .flush:
      guard requests[token].writesAfterFlush else { return finish(token, .okay) }
      requests[token].writesAfterFlush = false
      requests[token].kind = .write
      storageWaits.append(token)
    case .discard:
      finish(token, .okay)
    case .read, .write:
      completeTransfer(token, transferred: UInt64(result))
    }
  }

  private mutating func completeTransfer(_ token: Int, transferred: UInt64) {
    let remaining = requests[token].byteCount - requests[token].byteCountDone
    // Nothing at all is the end of a target that shrank; more than asked for cannot be.
    guard transferred > 0, transferred <= remaining else { return finish(token, .error) }
    requests[token].byteCountDone += transferred
    if transferred < remaining {
      storageWaits.append(token)
    } else if requests[token].kind == .read {
      requests[token].phase = .returningData
      dataReturns.append(token)
    } else {
      statistics.bytesWritten += requests[token].byteCount
      guard requests[token].flushesAfterWrite else { return finish(token, .okay) }
      requests[token].kind = .flush
      storageWaits.append(token)
    }
  }
}
