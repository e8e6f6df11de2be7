import RingTransport

/// What a frontend did that no frontend does by accident. Its device is closed; nothing else
/// happens.
enum NetViolation: Error, Equatable, CustomStringConvertible {
  case ring(RingViolation)
  /// `more_data` or an extra's `more` in the last slot that was published.
  case incompletePacket(slots: Int)
  /// More slots than any frontend sends.
  case tooManySlots
  /// Extras that follow each other without end.
  case tooManyExtras
  case unknownExtra(type: UInt8)
  /// A page that was offered is not offered any more.
  case pagesTakenBack
  /// A slot's data does not end in its page.
  case crossesPage(byteOffset: UInt16, byteCount: UInt16)

  /// What the administrator reads in the log and in `error`.
  var description: String {
    switch self {
    case .ring(let violation): violation.description
    case .incompletePacket(let slots): "the frontend published \(slots) slots of a longer packet"
    case .tooManySlots:
      "the frontend sent a packet of \(NetLimits.fatalPacketSlotCount) or more slots"
    case .tooManyExtras:
      "the frontend sent a packet with more than \(NetLimits.extraSlotCount) extra slots"
    case .unknownExtra(let type): "the frontend sent an extra slot of unknown type \(type)"
    case .pagesTakenBack: "the frontend took back pages that it had offered"
    case .crossesPage(let offset, let count):
      "the frontend's slot of \(count) bytes from \(offset) does not end in its page"
    }
  }
}
