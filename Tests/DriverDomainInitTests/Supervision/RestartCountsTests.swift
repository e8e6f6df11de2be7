import Testing

@testable import DriverDomainInit

@Suite struct RestartCountsTests {
  private let leaf = SupervisorTests.leaf(1)
  private let other = SupervisorTests.leaf(2)

  @Test func isToldOnceASecondAtMostAndOnlyWhenNew() {
    var counts = RestartCounts()
    counts.update([leaf: 0, other: 0])
    #expect(counts.nextDeadline == nil)
    counts.update([leaf: 1, other: 0])
    #expect(counts.nextDeadline == 0)
    counts.tell(now: 5_000)
    #expect(counts.told == [leaf: 1])
    #expect(counts.nextDeadline == nil)
    for count in 2..<50 { counts.update([leaf: count, other: 0]) }
    #expect(counts.nextDeadline == 6_000)
    #expect(counts.told == [leaf: 1])
    counts.tell(now: 6_000)
    #expect(counts.told == [leaf: 49])
    counts.update([other: 0])
    #expect(counts.nextDeadline == 7_000)
    counts.tell(now: 7_000)
    #expect(counts.told.isEmpty)
  }
}
