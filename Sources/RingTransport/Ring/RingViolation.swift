/// A frontend broke the ring protocol. Its device is closed; nothing else happens.
public enum RingViolation: Error, Hashable, Sendable, CustomStringConvertible {
  /// The request producer claims more requests than there are slots.
  case requestProducerOutOfRange(requestProducer: UInt32, responseProducer: UInt32, slots: UInt32)

  /// What the administrator reads in the log and in `error`.
  public var description: String {
    switch self {
    case .requestProducerOutOfRange(let request, let response, let slots):
      "frontend's request producer \(request) is more than \(slots) slots ahead of "
        + "our response producer \(response)"
    }
  }
}
