import CRingReference
import RingTransport
import SimulatedXen

/// Requests with at most a few things wrong.
extension HostileBlockFrontend {
  func nearlyValidRequest() -> reference_request {
    var request = validRequest()
    let mutations = generator.chance(percent: 50) ? 0 : Int.random(in: 1...3, using: &generator)
    for _ in 0..<mutations { mutate(&request) }
    return request
  }

  private func validRequest() -> reference_request {
    var request = reference_request()
    request.identifier = anIdentifier()
    request.handle = UInt16.random(in: 0 ... .max, using: &generator)
    request.sector = UInt64.random(in: 0..<capacitySectors, using: &generator) / 8 * 8
    switch Int.random(in: 0..<10, using: &generator) {
    case 0:
      request.operation = 3
    case 1:
      request.operation = 5
      request.sector_count = .random(in: 1...64, using: &generator)
    case 2..<6:
      request.operation = 6
      request.second = UInt8.random(in: 0...1, using: &generator)
      let counts: [UInt16] = [1, 2, 11, 12, 64, 255, 256]
      request.indirect_segments = counts.randomElement(using: &generator) ?? 1
      for index in 0..<8 {
        unsafe reference_set_page(&request, index, aReference().rawValue)
      }
    default:
      request.operation = UInt8.random(in: 0...1, using: &generator)
      request.second = UInt8.random(in: 1...11, using: &generator)
      for index in 0..<11 {
        // SAFETY: a direct request has eleven segments.
        unsafe reference_set_segment(&request, index, nearlyValidSegment(mutationPercent: 2))
      }
    }
    return request
  }

  private func mutate(_ request: inout reference_request) {
    switch Int.random(in: 0..<9, using: &generator) {
    case 0: request.operation = UInt8.random(in: 0...9, using: &generator)
    case 1: request.operation = UInt8.random(in: 0...255, using: &generator)
    case 2: request.second = [0, 1, 6, 11, 12, 127, 255].randomElement(using: &generator) ?? 0
    case 3:
      request.indirect_segments =
        [0, 1, 257, 512, 513, 4096, .max].randomElement(using: &generator) ?? 0
    case 4:
      let near: [UInt64] = [
        0, 1, capacitySectors - 1, capacitySectors, capacitySectors + 1, .max, .max - 7,
        1 << 63, (1 << 55) - 1,
      ]
      request.sector = near.randomElement(using: &generator) ?? 0
    case 5:
      let counts: [UInt64] = [0, 1, capacitySectors, .max, .max / 512, 1 << 55]
      request.sector_count = counts.randomElement(using: &generator) ?? 0
    case 6:
      let index = Int.random(in: 0..<11, using: &generator)
      // SAFETY: as above.
      unsafe reference_set_segment(&request, index, nearlyValidSegment(mutationPercent: 100))
    case 7:
      unsafe reference_set_page(&request, 0, generator.interestingWord())
    default: request.identifier = identifiers.randomElement(using: &generator) ?? 0
    }
  }

  func nearlyValidSegment(mutationPercent: Int) -> reference_segment {
    let first = UInt8.random(in: 0...7, using: &generator)
    var segment = reference_segment(
      reference: aReference().rawValue, first: first,
      last: UInt8.random(in: first...7, using: &generator))
    if generator.chance(percent: 50) { (segment.first, segment.last) = (0, 7) }
    guard generator.chance(percent: mutationPercent) else { return segment }
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: (segment.first, segment.last) = (7, 0)
    case 1: segment.last = UInt8.random(in: 8...255, using: &generator)
    case 2: (segment.first, segment.last) = (255, 255)
    default: segment.reference = generator.interestingWord()
    }
    return segment
  }

  private func aReference() -> GrantReference {
    if generator.chance(percent: 3), let stale = staleGrants.randomElement(using: &generator) {
      return stale
    }
    if generator.chance(percent: 2), let ring = ringReferences.first { return ring }
    let page = pages[Int.random(in: pages.indices, using: &generator)]
    return page.grant ?? GrantReference(rawValue: 3)
  }

  private func anIdentifier() -> UInt64 {
    if generator.chance(percent: 10), let old = identifiers.randomElement(using: &generator) {
      return old
    }
    let identifier = generator.next()
    if identifiers.count < 64 { identifiers.append(identifier) }
    return identifier
  }
}

extension SeededGenerator {
  /// A word that is more often at an edge than chance would have it.
  mutating func interestingWord() -> UInt32 {
    let edges: [UInt32] = [0, 1, 7, 8, 0x7fff_ffff, 0x8000_0000, .max - 1, .max]
    if chance(percent: 50), let edge = edges.randomElement(using: &self) { return edge }
    return UInt32.random(in: 0 ... .max, using: &self)
  }
}
