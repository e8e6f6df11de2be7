import RingTransport
import Testing

@Suite struct RingIndexTests {
  @Test func wrapsWithoutTrap() {
    let start = RingIndex(rawValue: .max - 3)
    let end = start.advanced(by: 8)
    #expect(end.rawValue == 4)
    #expect(end.distance(from: start) == 8)
    #expect(end.slot(in: 32) == 4)
    #expect(start.slot(in: 32) == 28)
  }

  @Test func aProducerBehindItsConsumerShowsAsAnImpossibleCount() {
    let consumer = RingIndex(rawValue: 10)
    let lyingProducer = RingIndex(rawValue: 9)
    #expect(lyingProducer.distance(from: consumer) == UInt32.max)
  }
}
