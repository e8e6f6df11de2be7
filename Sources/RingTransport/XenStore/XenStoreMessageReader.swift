/// Cuts a byte stream into messages, whatever the pieces that it arrives in.
public struct XenStoreMessageReader: Sendable {
  private var buffer: [UInt8] = []
  private var consumed = 0

  /// Creates a reader at the start of a stream.
  public init() {}

  /// Takes the next bytes of the stream.
  public mutating func append(_ bytes: some Sequence<UInt8>) {
    if consumed > 0 {
      buffer.removeFirst(consumed)
      consumed = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next whole message, or nil until more bytes are there.
  ///
  /// A length that the protocol does not allow is a failure at once; so at most one message is
  /// ever held here beside what the last ``append(_:)`` brought.
  public mutating func next() throws(XenStoreFailure) -> XenStoreMessage? {
    guard buffer.count - consumed >= XenStoreMessage.headerByteCount else { return nil }
    let byteCount = field(3)
    guard byteCount <= UInt32(XenStoreMessage.payloadByteCountMax) else {
      throw .malformed(.payloadLength(byteCount))
    }
    let start = consumed + XenStoreMessage.headerByteCount
    let end = start + Int(byteCount)
    guard buffer.count >= end else { return nil }
    let message = XenStoreMessage(
      kind: XenStoreMessage.Kind(rawValue: field(0)), requestIdentifier: field(1),
      transaction: field(2), payload: Array(buffer[start..<end]))
    consumed = end
    return message
  }

  private func field(_ index: Int) -> UInt32 {
    let start = consumed + 4 * index
    return buffer[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}
