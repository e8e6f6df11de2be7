import PeerKit
import RingTransport

/// A guest's requests.
extension DeviceWorld {
  /// Sends one request and waits for its end. Events that bring nothing are nothing special: a
  /// process that takes over sends one.
  func perform(_ request: FrontendRequest) throws -> FrontendCompletion {
    guard let frontend = guest.frontend else { throw PeerFailure("no ring") }
    let identifier = frontend.submit(request)
    frontend.push()
    for _ in 0..<2000 {
      try step()
      guard frontend.isAwake else { continue }
      for completion in try frontend.handleEvent() where completion.identifier == identifier {
        return completion
      }
    }
    throw PeerFailure("\(request.operation) has no response")
  }

  /// Submits writes of a page each, none on top of another.
  func submit(writeCount: Int, value: UInt8 = 1) throws {
    guard let frontend = guest.frontend else { throw PeerFailure("no ring") }
    for index in 0..<min(writeCount, frontend.freeCount) {
      var request = FrontendRequest(.write, sector: UInt64(index * 8 + 1024))
      request.segments = [0...7]
      request.data = [UInt8](repeating: value, count: 4096)
      frontend.submit(request)
    }
    frontend.push()
  }

  /// Steps until so many requests are answered, and gives their statuses.
  func statuses(count: Int) throws -> [Int16] {
    var statuses: [Int16] = []
    for _ in 0..<2000 where statuses.count < count {
      try step()
      guard let frontend = guest.frontend, frontend.isAwake else { continue }
      statuses += try frontend.handleEvent().map(\.status)
    }
    return statuses
  }

  /// Steps until all requests are answered, and well.
  func finishRequests() throws {
    let count = guest.frontend?.outstandingCount ?? 0
    let statuses = try statuses(count: count)
    guard statuses.count == count else {
      throw PeerFailure("\(count - statuses.count) requests have no response")
    }
    guard statuses.allSatisfy({ $0 == 0 }) else { throw PeerFailure("a request failed") }
  }
}
