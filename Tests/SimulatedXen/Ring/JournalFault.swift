import RingTransport

/// A way to spoil the journal: one of its steps left out, or two in the wrong order, at the level
/// of the stores that it makes and the words that it reads. Each must be found.
package enum JournalFault: CaseIterable, Sendable {
  /// The response is not recorded.
  case noRecordedResponse
  /// The state word is not written before the move.
  case noPreparedState
  /// The displaced request is not moved.
  case noMove
  /// The state word is not written after the move.
  case noMovedState
  /// The response is not written into its slot.
  case noResponse
  /// `rsp_prod` does not move.
  case noProducer
  /// The state word comes before the response that it stands for.
  case stateBeforeRecordedResponse
  /// The displaced request is moved before that is announced.
  case moveBeforePreparedState
  /// The move is declared done before it is.
  case movedStateBeforeMove
  /// The response is written while the move is not declared done.
  case responseBeforeMovedState
  /// `rsp_prod` moves before the response is there.
  case producerBeforeResponse
  /// Recovery finds no record.
  case recoveryIgnoresRecord
  /// Recovery takes a move that is under way for done.
  case recoveryTrustsTornMove
  /// Recovery moves once more what was moved.
  case recoveryMovesAgain

  /// The word that recovery reads instead.
  func spoilt(load value: UInt64) -> UInt64 {
    guard var state = RingJournal.State(rawValue: value) else { return value }
    switch (self, state.phase) {
    case (.recoveryIgnoresRecord, _): return 0
    case (.recoveryTrustsTornMove, .prepared): state.phase = .moved
    case (.recoveryMovesAgain, .moved): state.phase = .prepared
    default: return value
    }
    return state.rawValue
  }

  /// The stores that are made instead.
  ///
  /// - Parameters:
  ///   - stores: those of one attachment or completion.
  ///   - slotByteCount: by which a moved request is told from a response.
  package func spoilt(stores: [PageStore], slotByteCount: Int) -> [PageStore] {
    func has(_ step: Step) -> (PageStore) -> Bool {
      { Step($0, slotByteCount: slotByteCount) == step }
    }
    switch self {
    case .noRecordedResponse: return stores.filter { !has(.recordedResponse)($0) }
    case .noPreparedState: return stores.filter { !has(.preparedState)($0) }
    case .noMove: return stores.filter { !has(.move)($0) }
    case .noMovedState: return stores.filter { !has(.movedState)($0) }
    case .noResponse: return stores.filter { !has(.response)($0) }
    case .noProducer: return stores.filter { !has(.producer)($0) }
    case .stateBeforeRecordedResponse: return stores.delaying(has(.recordedResponse))
    case .moveBeforePreparedState: return stores.delaying(has(.preparedState))
    case .movedStateBeforeMove: return stores.delaying(has(.move))
    case .responseBeforeMovedState: return stores.delaying(has(.movedState))
    case .producerBeforeResponse: return stores.delaying(has(.response))
    case .recoveryIgnoresRecord, .recoveryTrustsTornMove, .recoveryMovesAgain: return stores
    }
  }
}

/// What a store is for.
private enum Step {
  case recordedResponse
  case preparedState
  case move
  case movedState
  case response
  case producer
  case other

  init(_ store: PageStore, slotByteCount: Int) {
    switch store.offset {
    case RingLayout.responseProducerOffset: self = .producer
    case RingJournal.responseOffset: self = .recordedResponse
    case RingJournal.stateOffset:
      let value =
        UInt64(store.bytes.word(at: 0)) | UInt64(store.bytes.word(at: 4)) << 32
      let isPrepared = RingJournal.State(rawValue: value)?.phase == .prepared
      self = isPrepared ? .preparedState : .movedState
    case RingLayout.slotsOffset...: self = store.bytes.count == slotByteCount ? .move : .response
    default: self = .other
    }
  }
}

extension [PageStore] {
  /// The same stores, with those of one step put behind the step that follows it.
  fileprivate func delaying(_ isDelayed: (PageStore) -> Bool) -> [PageStore] {
    guard let first = firstIndex(where: isDelayed), let last = lastIndex(where: isDelayed),
      last + 1 < count
    else { return self }
    // The step that follows: the stores to one place.
    let next = self[last + 1].offset
    var end = last + 1
    while end < count, self[end].offset == next { end += 1 }
    return Array(self[..<first]) + self[(last + 1)..<end] + self[first...last] + self[end...]
  }
}
