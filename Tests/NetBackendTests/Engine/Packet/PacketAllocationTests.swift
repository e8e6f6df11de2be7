import CAllocationCount
import RingTransport
import SimulatedXen
import Testing

@testable import NetBackend

/// No packet costs a heap allocation, whatever is done to it.
struct PacketAllocationTests {
  @Test func packetsAllocateNothing() throws {
    var configuration = ControlConfiguration(
      isToeplitz: true, types: .supported, key: [UInt8](1...40), mapping: [1, 2, 3])
    let address = try #require(EthernetAddress("00:16:3e:01:02:03"))
    let filter = try PacketFilter(
      SourceRestriction(address: address, ipNode: "192.0.2.1 2001:db8::1").expression)
    var limiter = CreditLimiter(
      rate: NetRate(byteCount: 1000, periodNanoseconds: 1000), nowNanoseconds: 0)
    var list = MulticastList()
    var frames: [[UInt8]] = []
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<30 { frames.append(TestFrame(&generator, largestPayload: 3000).bytes) }
    var own = TestFrame()
    own.sourceAddress = [192, 0, 2, 1]
    own.payload = [UInt8](repeating: 1, count: 3000)
    frames.append(own.bytes)
    own.destination = [1, 0, 0x5e, 0, 0, 1]
    frames.append(own.bytes)
    frames.append([UInt8](repeating: 0xff, count: 14))

    var counter = Counter()
    for round in 0..<20 {
      // The first rounds may fill what is made on first use.
      if round == 5 { counter = Counter() }
      for index in frames.indices {
        handle(
          &frames[index], &configuration, filter, &limiter, &list, UInt64(round * 100 + index),
          &counter)
      }
    }
    for step in Step.allCases {
      #expect(counter.allocations[step.rawValue] == 0, "\(step), 15 rounds of \(frames.count)")
      #expect(counter.successes[step.rawValue] > 0, "\(step)")
    }
    let before = c_allocation_count()
    let probe = [UInt8](repeating: 1, count: 1000)
    #expect(c_allocation_count() > before, "allocations are counted at all: \(probe.count)")
  }

  enum Step: Int, CaseIterable {
    case list
    case credit
    case filter
    case hash
    case outgoing
    case incoming
  }

  /// Allocations of each step where it went well, and how often it did.
  ///
  /// Where it did not, an error may have been thrown, of which Swift Testing takes a backtrace.
  struct Counter {
    var allocations = InlineArray<6, UInt64>(repeating: 0)
    var successes = InlineArray<6, UInt64>(repeating: 0)
    private var last = c_allocation_count()

    mutating func mark(_ step: Step, _ isSuccess: Bool) {
      if isSuccess {
        allocations[step.rawValue] += c_allocation_count() - last
        successes[step.rawValue] += 1
      }
      last = c_allocation_count()
    }
  }

  /// All that is done to a packet.
  private func handle(
    _ bytes: inout [UInt8], _ configuration: inout ControlConfiguration, _ filter: PacketFilter,
    _ limiter: inout CreditLimiter, _ list: inout MulticastList, _ now: UInt64,
    _ counter: inout Counter
  ) {
    var elements = bytes.mutableSpan
    var frame = unsafe elements.mutableBytes
    counter.mark(.list, false)
    let destination = EthernetAddress(in: frame.bytes, at: 0)
    let isListed = list.add(destination) && list.admits(destination)
    list.remove(destination)
    counter.mark(.list, isListed)
    counter.mark(.credit, limiter.spend(frame.byteCount, nowNanoseconds: now) == .now)
    counter.mark(.filter, filter.admits(frame.bytes))
    if let headers = try? FrameHeaders(frame.bytes),
      let hash = configuration.hash(of: frame.bytes, headers)
    {
      counter.mark(.hash, configuration.queue(of: hash, queueCount: 4) > 0)
    }
    counter.mark(.hash, false)
    translate(&frame, type: 1, &counter)
    translate(&frame, type: 2, &counter)
  }

  private func translate(_ frame: inout MutableRawSpan, type: UInt8, _ counter: inout Counter) {
    let header = try? Offload.outgoing(
      &frame, flags: [], segmentation: .init(size: 1000, type: type))
    counter.mark(.outgoing, header != nil)
    guard let header else { return }
    let all = Offload.GuestFeatures(rawValue: 0xff)
    let complete = try? Offload.incoming(&frame, header: header, features: all)
    counter.mark(.incoming, complete != nil)
    let plain = try? Offload.incoming(&frame, header: header, features: .scatterGather)
    counter.mark(.incoming, plain != nil)
  }
}
