import Testing

@testable import DriverDomainInit

@Suite struct HangDetectorTests {
  private var detector = HangDetector(seconds: 3)
  /// Six checks at half a second.
  private let limit = 6

  private mutating func check(_ heartbeats: [UInt64?], of process: Int32 = 7) -> [Int32] {
    detector.check([(process, heartbeats)])
  }

  @Test mutating func threadThatStandsStillIsFoundOnce() {
    #expect(check([5, 9]) == [])
    for round in 1..<limit { #expect(check([5, 9 + UInt64(round)]) == []) }
    #expect(check([5, 100]) == [7])
    for _ in 0..<20 { #expect(check([5, 101]) == []) }
  }

  @Test mutating func onlyChecksInARowCount() {
    var heartbeat: UInt64 = .max - 20
    for _ in 0..<40 {
      for _ in 0..<limit { #expect(check([heartbeat]) == []) }
      heartbeat &+= 1
    }
  }

  @Test mutating func threadThatIsNotThereCannotHang() {
    for _ in 0..<20 { #expect(check([nil, nil]) == []) }
    for _ in 0..<limit { #expect(check([3, nil]) == []) }
    #expect(check([nil, nil]) == [])
    // Announced again, it has all its time again.
    for _ in 0..<limit { #expect(check([3, nil]) == []) }
    #expect(check([3, nil]) == [7])
  }

  @Test mutating func numberOfADeadProcessBeginsAnew() {
    for _ in 0..<limit { #expect(check([3]) == []) }
    #expect(detector.check([]) == [])
    for _ in 0..<limit { #expect(check([3]) == []) }
    #expect(check([3]) == [7])
  }

  @Test mutating func eachProcessIsJudgedAlone() {
    for round in 0..<UInt64(limit) {
      #expect(detector.check([(1, [0]), (2, [round]), (3, [0])]) == [])
    }
    #expect(detector.check([(1, [0]), (2, [99]), (3, [0])]) == [1, 3])
  }

  @Test func zeroIsOff() {
    var detector = HangDetector(seconds: 0)
    #expect(!detector.isOn)
    for _ in 0..<100 { #expect(detector.check([(1, [0])]) == []) }
  }
}
