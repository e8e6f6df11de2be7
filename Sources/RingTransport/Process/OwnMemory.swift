internal import CLinux

/// The memory of this process, for one that has time now and will be in a hurry later.
enum OwnMemory {
  /// Larger mappings hold buffers, of which little may ever be used.
  private static let mappingByteCountMax = 16 << 20

  /// Has the kernel provide all pages now (`MADV_POPULATE_READ`, `MADV_POPULATE_WRITE`).
  ///
  /// A process that takes a device over runs most of its code for the first time, and would be
  /// stopped by hundreds of page faults; in a guest of Xen each is slow. On the test host this is
  /// half of the time that a guest waits for a disk.
  static func populate() {
    c_populate_own_memory(mappingByteCountMax)
  }
}
