/// A queue of a guest's TAP device, open in init and in each backend of the interface, one after
/// the other. So it does not end with a backend: frames for the guest wait in it for the next.
public final class HeldQueue: Sendable {
  private let file: OwnedFileDescriptor

  /// Takes over a descriptor, which does not block.
  public init(_ file: consuming OwnedFileDescriptor) {
    self.file = file
  }

  /// The same for one that may not be there.
  convenience init?(ifPassed file: consuming OwnedFileDescriptor?) {
    guard let file = consume file else { return nil }
    self.init(file)
  }

  /// What to read from, write to and poll. Valid as long as the instance.
  public var descriptor: Int32 { file.rawValue }
}
