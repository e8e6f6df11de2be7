import RingTransport

/// The hash. Word 0: version 1 in byte 0, the algorithm in byte 1, sizes of key and mapping in
/// bytes 2 and 3, the types in byte 4. Then the key, padded to 40 bytes, and a byte for each entry.
extension ControlConfiguration: KeptContent {
  static var place: KeptPlace { .hash }

  init?(stateWords words: [UInt64]) {
    let head = words[0]
    let keyCount = Int(head >> 16 & 0xff)
    let mappingCount = Int(head >> 24 & 0xff)
    let types = NetHashTypes(rawValue: UInt32(head >> 32 & 0xff))
    guard head & 0xff == 1, head >> 8 & 0xff <= 1, head >> 40 == 0,
      keyCount <= NetLimits.hashKeyByteCount,
      mappingCount <= NetLimits.hashMappingEntryCount, types.isSubset(of: .supported)
    else { return nil }
    let mapping = (0..<mappingCount).map { UInt32(Self.byte($0 + 40, of: words)) }
    guard mapping.allSatisfy({ $0 < UInt32(NetOptions.queueCountRange.upperBound) }) else {
      return nil
    }
    self.init(
      isToeplitz: head >> 8 & 0xff == 1, types: types,
      key: (0..<keyCount).map { Self.byte($0, of: words) }, mapping: mapping)
  }

  /// A byte behind the first word.
  private static func byte(_ index: Int, of words: [UInt64]) -> UInt8 {
    UInt8(truncatingIfNeeded: words[1 + index / 8] >> UInt64(index % 8 * 8))
  }

  func write<Memory: StateMemory>(to writer: inout StateWriter<Memory>) {
    var head: UInt64 = 1 | (isToeplitz ? 1 << 8 : 0)
    head |= UInt64(key.count) << 16 | UInt64(mapping.count) << 24
    writer.append(head | UInt64(types.rawValue) << 32)
    for start in stride(from: 0, to: NetLimits.hashKeyByteCount, by: 8) {
      var word: UInt64 = 0
      for index in start..<start + 8 where index < key.count {
        word |= UInt64(key[index]) << UInt64((index - start) * 8)
      }
      writer.append(word)
    }
    for start in stride(from: 0, to: NetLimits.hashMappingEntryCount, by: 8) {
      var word: UInt64 = 0
      for index in start..<start + 8 where index < mapping.count {
        // Every entry is the number of a queue.
        word |= UInt64(mapping[index] & 0xff) << UInt64((index - start) * 8)
      }
      writer.append(word)
    }
  }
}

/// The groups. Word 0: version 1 in byte 0, how many in byte 1. Then the addresses, whatever the
/// guest took for one.
extension MulticastList: KeptContent {
  static var place: KeptPlace { .multicast }

  init?(stateWords words: [UInt64]) {
    let count = Int(words[0] >> 8 & 0xff)
    guard words[0] & 0xff == 1, words[0] >> 16 == 0, count <= NetLimits.multicastAddressCount
    else { return nil }
    self.init()
    for word in words[1..<1 + count] {
      guard word >> 48 == 0, add(EthernetAddress(truncating: word)) else { return nil }
    }
  }

  func write<Memory: StateMemory>(to writer: inout StateWriter<Memory>) {
    writer.append(1 | UInt64(count) << 8)
    for position in 0..<count { writer.append(self[position].rawValue) }
  }
}

/// What a guest may still send. Every number is one: too much credit is cut to a burst, and a
/// period cannot have begun later than now.
struct KeptCredit: KeptContent, Equatable {
  static var place: KeptPlace { .credit }

  /// In bytes.
  var credit: UInt64
  var periodStartNanoseconds: UInt64

  init(_ limiter: CreditLimiter) {
    credit = limiter.credit
    periodStartNanoseconds = limiter.periodStartNanoseconds
  }

  init?(stateWords words: [UInt64]) {
    (credit, periodStartNanoseconds) = (words[0], words[1])
  }

  func write<Memory: StateMemory>(to writer: inout StateWriter<Memory>) {
    writer.append(credit)
    writer.append(periodStartNanoseconds)
  }
}

/// Nothing, or what there is.
extension Optional: KeptContent where Wrapped: KeptContent {
  static var place: KeptPlace { Wrapped.place }

  init?(stateWords words: [UInt64]) {
    guard let value = Wrapped(stateWords: words) else { return nil }
    self = value
  }

  func write<Memory: StateMemory>(to writer: inout StateWriter<Memory>) {
    self?.write(to: &writer)
  }
}

/// The last answer on the control ring, and its slot. Once it is written there, the slot does not
/// say any more what the request was; who comes before it is published has to know.
struct KeptControlAnswer: KeptContent, Equatable {
  static var place: KeptPlace { .control }

  /// The answer's index in the ring.
  var index: UInt32
  var identifier: UInt16
  var type: UInt16
  var status: NetControlResponse.Status
  var data: UInt32

  init(_ response: NetControlResponse, at index: RingIndex) {
    self.index = index.rawValue
    identifier = response.identifier
    type = response.type
    status = response.status
    data = response.data
  }

  init?(stateWords words: [UInt64]) {
    guard words[0] >> 32 == 1, words[2] >> 32 == 0,
      let status = NetControlResponse.Status(rawValue: UInt32(words[1] >> 32))
    else { return nil }
    index = UInt32(truncatingIfNeeded: words[0])
    identifier = UInt16(truncatingIfNeeded: words[1])
    type = UInt16(truncatingIfNeeded: words[1] >> 16)
    self.status = status
    data = UInt32(truncatingIfNeeded: words[2])
  }

  func write<Memory: StateMemory>(to writer: inout StateWriter<Memory>) {
    writer.append(1 << 32 | UInt64(index))
    writer.append(UInt64(identifier) | UInt64(type) << 16 | UInt64(status.rawValue) << 32)
    writer.append(UInt64(data))
  }

  /// The answer to what stands in the slot `index`, if it is this one.
  func response(to request: NetControlRequest, at index: RingIndex) -> NetControlResponse? {
    guard self.index == index.rawValue, identifier == request.identifier, type == request.type
    else { return nil }
    return NetControlResponse(to: request, status, data: data)
  }
}
