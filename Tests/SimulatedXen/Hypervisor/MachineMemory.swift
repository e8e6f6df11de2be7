internal import CLinux
internal import Glibc
import RingTransport
import SystemPackage

/// A page of the simulated machine, whoever owns it.
package struct MachineFrame: Hashable, Sendable, BitwiseCopyable {
  let number: Int
}

/// The machine's memory: one memfd, so that pages can be mapped once more, in any order, by this
/// process or by another.
@safe final class MachineMemory {
  let frameCount: Int
  private let file: OwnedFileDescriptor
  private let base: UnsafeMutableRawPointer
  private var isUsed: [Bool]
  private var lowestFree = 0

  /// Makes memory of `frameCount` zeroed pages. Only those that are touched cost anything.
  init(frameCount: Int) throws(Errno) {
    precondition(frameCount > 0)
    let byteCount = frameCount * xenPageByteCount
    // SAFETY: a C string, for the time of the call.
    let number = try systemCall { unsafe c_memfd_create("simulated-machine") }
    let file = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
    try systemCall { ftruncate(number, byteCount) }
    // SAFETY: a mapping with no address hint touches nothing that exists.
    let mapping = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0)
    guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    unsafe base = mapping
    self.file = file
    self.frameCount = frameCount
    isUsed = Array(repeating: false, count: frameCount)
  }

  deinit {
    // SAFETY: unmaps exactly what `init` mapped; views of single pages are mappings of their own.
    unsafe _ = munmap(base, frameCount * xenPageByteCount)
  }

  /// The lowest unused page, zeroed.
  func allocate() -> MachineFrame {
    while lowestFree < frameCount, isUsed[lowestFree] { lowestFree += 1 }
    precondition(lowestFree < frameCount, "a test's machine is large enough for it")
    let frame = MachineFrame(number: lowestFree)
    isUsed[frame.number] = true
    // SAFETY: one page of ours.
    unsafe _ = memset(address(of: frame), 0, xenPageByteCount)
    return frame
  }

  /// Gives a page back.
  func free(_ frame: MachineFrame) {
    precondition(isUsed[frame.number], "a page is given back once")
    isUsed[frame.number] = false
    lowestFree = min(lowestFree, frame.number)
  }

  /// Where a page lies in this process. Valid as long as the memory.
  @unsafe func address(of frame: MachineFrame) -> UnsafeMutableRawPointer {
    precondition((0..<frameCount).contains(frame.number))
    return unsafe base + frame.number * xenPageByteCount
  }

  /// Maps pages once more, contiguously, in the order given.
  ///
  /// - Parameter release: called when the mapping is gone.
  func map(
    _ frames: [MachineFrame], release: @escaping () -> Void
  ) throws(Errno) -> SharedPages {
    let byteCount = frames.count * xenPageByteCount
    // SAFETY: reserves address space, touches nothing that exists.
    let reserved = unsafe mmap(nil, byteCount, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let reserved = unsafe reserved, unsafe reserved != MAP_FAILED else {
      throw Errno(rawValue: errno)
    }
    for (index, frame) in frames.enumerated() {
      // SAFETY: replaces a page of the range reserved above.
      let page = unsafe mmap(
        reserved + index * xenPageByteCount, xenPageByteCount, PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_FIXED, file.rawValue, frame.number * xenPageByteCount)
      guard unsafe page != MAP_FAILED else {
        let error = Errno(rawValue: errno)
        unsafe _ = munmap(reserved, byteCount)
        throw error
      }
    }
    // SAFETY: the range is mapped whole, and unmapped by nobody else.
    return unsafe SharedPages(unsafeBase: reserved, byteCount: byteCount) { base, byteCount in
      unsafe _ = munmap(base, byteCount)
      release()
    }
  }
}
