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

  /// Has copies of this process find the program's pages at once, as this process has them.
  ///
  /// For the process that copies itself, before ``populate()``.
  static func passOn() {
    c_pass_on_own_memory()
  }
}
