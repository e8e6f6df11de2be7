import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// What a dead process has left in a receive ring.
struct InheritedAnswersTests {
  typealias Answer = InheritedAnswers.Answer

  /// Packets of all shapes, of which any number of slots was written: whole packets are found, and
  /// what is left of the next one ends.
  @Test(arguments: testSeeds(count: 200))
  func whatWasWrittenIsFound(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let packets = (0..<6).map { _ in Self.packet(&generator) }
    let slots = packets.flatMap { $0 }
    for writtenCount in 0...slots.count {
      var inherited = InheritedAnswers()
      for (index, slot) in slots.enumerated() {
        let isWritten = index < writtenCount
        let bytes = isWritten ? Self.bytes(slot) : Self.request(&generator)
        let isTaken = Self.take(bytes, &inherited)
        #expect(isTaken == isWritten, "slot \(index) of \(writtenCount)")
        if !isTaken { break }
      }
      inherited.end()
      #expect(inherited.answers.count == writtenCount)
      var rest = inherited.answers[...]
      for packet in packets.prefix(inherited.packetByteCounts.count) {
        #expect(Array(rest.prefix(packet.count)) == packet)
        rest = rest.dropFirst(packet.count)
      }
      #expect(rest.isEmpty || Self.slotCount(rest) == rest.count)
      var end = 0
      let wholeCount = packets.count {
        end += $0.count
        return end <= writtenCount
      }
      #expect(inherited.packetByteCounts == packets.prefix(wholeCount).map(Self.byteCount))
    }
  }

  /// Requests of guests with any number of grants that Xen allows by itself are requests.
  @Test func requestsAreNotAnswers() {
    for reference in UInt32(8)..<131_072 {
      let slot = Self.bytes(
        identifier: UInt16(truncatingIfNeeded: reference), 0xffff, reference)
      #expect(Self.isRequest(slot))
    }
    // Whose number looks like the kind of an extra, with what an extra has left behind it.
    for identifier in [UInt16(1), 4, 5, 257, 260, 261] {
      for left in [UInt16(0), 0x0100, 0x0101, 1448] {
        for reference in UInt32(8)..<40_000 {
          let slot = Self.bytes(identifier: identifier, left, reference)
          #expect(Self.isRequest(slot, behind: [.extraInfo]))
        }
      }
    }
  }

  /// Whatever a guest writes is read without a trap, and the outcome is whole packets.
  @Test(arguments: testSeeds(count: 200))
  func nonsenseBecomesPackets(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var inherited = InheritedAnswers()
    for _ in 0..<256 {
      var slot = (0..<8).map { _ in UInt8.random(in: 0...255, using: &generator) }
      // Mostly like an answer.
      if generator.chance(percent: 90) { slot[4...7] = [UInt8(slot[4] & 15), 0, 20, 0] }
      if generator.chance(percent: 50) { slot[1...3] = [slot[1] & 1, 0, 0] }
      if !Self.take(slot, &inherited) { break }
    }
    inherited.end()
    var rest = inherited.answers[...]
    while !rest.isEmpty {
      guard let count = Self.slotCount(rest) else {
        Issue.record("half a packet: \(rest)")
        return
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Slots of the first packet, as a guest reads them; nil when it does not end.
  private static func slotCount(_ answers: ArraySlice<Answer>) -> Int? {
    var left = answers
    guard case .data(let first)? = left.popFirst() else { return nil }
    var hasExtra = first.flags.contains(.extraInfo)
    while hasExtra {
      guard case .extra(let extra)? = left.popFirst() else { return nil }
      hasExtra = extra.hasMore
    }
    var hasData = first.flags.contains(.moreData)
    while hasData {
      guard case .data(let next)? = left.popFirst() else { return nil }
      hasData = next.flags.contains(.moreData)
    }
    return answers.count - left.count
  }

  private static func byteCount(_ packet: [Answer]) -> Int {
    packet.reduce(0) { sum, answer in
      if case .data(let response) = answer { sum + max(0, Int(response.status)) } else { sum }
    }
  }

  private static func packet(_ generator: inout SeededGenerator) -> [Answer] {
    let slotCount = Int.random(in: 1...4, using: &generator)
    var extras: [NetExtraInfo.Content] = []
    if generator.chance(percent: 40) {
      extras.append(
        .segmentation(size: 1448, type: .random(in: 1...2, using: &generator), features: 0))
    }
    if generator.chance(percent: 30) {
      extras.append(
        .hash(type: 1, algorithm: 1, value: .random(in: 1 << 20 ... .max, using: &generator)))
    }
    if generator.chance(percent: 30) { extras.append(.expressDataPath(headroomByteCount: 256)) }
    var answers: [Answer] = []
    for index in 0..<slotCount {
      let isLast = index == slotCount - 1
      var flags: NetReceiveResponse.Flags = isLast ? [] : .moreData
      if index == 0, !extras.isEmpty { flags.insert(.extraInfo) }
      if index == 0, generator.chance(percent: 50) { flags.insert(.dataValidated) }
      let identifier = UInt16.random(in: 0 ... .max, using: &generator)
      let smallest = isLast && index > 0 ? 1 : 14
      answers.append(
        .data(
          generator.chance(percent: 5)
            ? NetReceiveResponse(identifier: identifier, flags: flags, failure: .error)
            : NetReceiveResponse(
              identifier: identifier, byteOffset: 0, flags: flags,
              byteCount: .random(in: smallest...4096, using: &generator))))
      guard index == 0 else { continue }
      for (number, extra) in extras.enumerated() {
        answers.append(.extra(NetExtraInfo(extra, hasMore: number < extras.count - 1)))
      }
    }
    return answers
  }

  /// A request as Linux writes it: its padding is what was there before.
  private static func request(_ generator: inout SeededGenerator) -> [UInt8] {
    bytes(
      identifier: .random(in: 0...255, using: &generator),
      .random(in: 0 ... .max, using: &generator), .random(in: 8...32768, using: &generator))
  }

  private static func isRequest(
    _ slot: [UInt8], behind flags: NetReceiveResponse.Flags? = nil
  ) -> Bool {
    var inherited = InheritedAnswers()
    if let flags {
      let first = NetReceiveResponse(identifier: 0, byteOffset: 0, flags: flags, byteCount: 60)
      guard take(bytes(.data(first)), &inherited) else { return false }
    }
    return !take(slot, &inherited)
  }

  private static func bytes(
    identifier: UInt16, _ padding: UInt16, _ reference: UInt32
  ) -> [UInt8] {
    [
      UInt8(truncatingIfNeeded: identifier), UInt8(identifier >> 8),
      UInt8(truncatingIfNeeded: padding), UInt8(padding >> 8),
    ] + (0..<4).map { UInt8(truncatingIfNeeded: reference >> (8 * UInt32($0))) }
  }

  private static func bytes(_ answer: Answer) -> [UInt8] {
    var slot = [UInt8](repeating: 0, count: NetLimits.receiveSlotByteCount)
    var elements = slot.mutableSpan
    // SAFETY: the raw bytes of initialised integers; every bit pattern is one.
    var room = unsafe elements.mutableBytes
    switch answer {
    case .data(let response): response.encode(into: &room)
    case .extra(let extra): extra.encode(into: &room)
    }
    return slot
  }

  private static func take(_ slot: [UInt8], _ inherited: inout InheritedAnswers) -> Bool {
    // SAFETY: the raw bytes of initialised integers.
    inherited.take(unsafe slot.span.bytes)
  }
}
