public import SystemPackage

/// The one owner of an open file descriptor: closes it when it goes out of scope.
///
/// Being noncopyable, it can neither be closed twice nor be used after it was closed.
public struct OwnedFileDescriptor: ~Copyable, Sendable {
  private let descriptor: FileDescriptor

  /// Takes over `descriptor`, which nobody else may close from now on.
  public init(adopting descriptor: FileDescriptor) {
    self.descriptor = descriptor
  }

  /// Opens a file, always close-on-exec (`open(2)`).
  public static func open(
    _ path: FilePath,
    _ mode: FileDescriptor.AccessMode,
    options: FileDescriptor.OpenOptions = []
  ) throws(Errno) -> OwnedFileDescriptor {
    do {
      let options = options.union(.closeOnExec)
      return OwnedFileDescriptor(adopting: try FileDescriptor.open(path, mode, options: options))
    } catch let error as Errno {
      throw error
    } catch {
      // swift-system throws nothing but Errno; its signature just does not say so.
      throw .ioError
    }
  }

  /// The descriptor's number, for system calls and for poll sets. It must not outlive its owner.
  public var rawValue: Int32 { descriptor.rawValue }

  /// Gives the descriptor to whoever takes the number over.
  package consuming func release() -> FileDescriptor {
    let descriptor = descriptor
    discard self
    return descriptor
  }

  /// Closes the descriptor where the caller wants to see the error (`close(2)`).
  public consuming func close() throws(Errno) {
    let descriptor = descriptor
    discard self
    do {
      try descriptor.close()
    } catch let error as Errno {
      throw error
    } catch {
      throw .ioError
    }
  }

  deinit {
    // Nobody is left who could act on an error; the number is free after close(2) in any case.
    try? descriptor.close()
  }
}
