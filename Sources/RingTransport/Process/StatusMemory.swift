internal import CLinux
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// The mapping of a status page. Every access but those to buffers is that of one word, and
/// atomic; the words are another process's to change, so whoever reads them believes nothing.
///
/// SAFETY of the unchecked Sendable: the address never changes, the mapping lasts as long as the
/// instance, and all accesses are atomic. Of buffers only the addresses are given away.
@safe final class StatusMemory: @unchecked Sendable {
  private let base: UnsafeMutablePointer<Atomic<UInt64>>

  /// Maps a page that is shared, or one that is not where there is no descriptor.
  ///
  /// - Throws: `invalidArgument` when the file is too short, which would be a fault at the first
  ///   access; what the system says otherwise.
  init(_ descriptor: Int32?, isWritable: Bool) throws(Errno) {
    if let descriptor {
      var status = stat()
      // Not `systemCall`: a number that is not open is the caller's word, and an error like others.
      // SAFETY: a structure of ours, for the time of the call.
      guard unsafe fstat(descriptor, &status) == 0 else { throw Errno(rawValue: errno) }
      guard status.st_size >= StatusLayout.byteCount else { throw .invalidArgument }
    }
    let flags = descriptor == nil ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED
    let protection = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
    // SAFETY: a mapping with no address hint touches nothing that exists.
    let mapping = unsafe mmap(
      nil, StatusLayout.byteCount, protection, flags, descriptor ?? -1, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    // SAFETY: page-aligned, of this size, and accessed as atomic words only.
    unsafe base = mapping.bindMemory(
      to: Atomic<UInt64>.self, capacity: StatusLayout.wordCount)
  }

  deinit {
    // SAFETY: the only owner unmaps exactly what it mapped.
    unsafe _ = munmap(base, StatusLayout.byteCount)
  }

  /// Where a buffer begins. Valid as long as the instance.
  @unsafe func buffer(_ index: Int) -> UnsafeMutableRawPointer {
    precondition((0..<StatusLayout.bufferCount).contains(index))
    // SAFETY: in bounds of the mapping.
    return unsafe UnsafeMutableRawPointer(base) + StatusLayout.bufferOffset
      + index * StatusLayout.bufferByteCount
  }

  /// Reads a word; what was written before it is visible after.
  func load(_ index: Int) -> UInt64 {
    precondition((0..<StatusLayout.wordCount).contains(index))
    // SAFETY: in bounds.
    return unsafe base[index].load(ordering: .acquiring)
  }

  /// Writes a word; whoever sees it sees what was written before it.
  func store(_ value: UInt64, _ index: Int) {
    precondition((0..<StatusLayout.wordCount).contains(index))
    // SAFETY: in bounds.
    unsafe base[index].store(value, ordering: .releasing)
  }

  /// Adds to a word that several threads add to.
  func add(_ value: UInt64, _ index: Int) {
    precondition((0..<StatusLayout.wordCount).contains(index))
    // SAFETY: in bounds.
    unsafe _ = base[index].wrappingAdd(value, ordering: .relaxed)
  }
}
