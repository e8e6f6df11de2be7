import CLinux
import SystemPackage

/// Limits and switches of the kernel that make a driver domain fail fast instead of limp.
enum KernelSettings {
  /// A setting's file and value, and why.
  static let settings: [(path: String, value: String)] = [
    // A damaged kernel must die at once: the domain is reborn, and guests only see a pause.
    ("/proc/sys/kernel/panic_on_oops", "1"),
    // Do not sit in a panic; under Xen the domain is reported as crashed before this counts.
    ("/proc/sys/kernel/panic", "-1"),
    // A few megabytes more that must stay free after any shortage of large blocks, for which such a
    // small domain has no use: in 64 MiB they are what the last two backends need.
    ("/proc/sys/vm/watermark_boost_factor", "0"),
    // io_uring and the backends need none of it; a smaller attack surface.
    ("/proc/sys/kernel/unprivileged_bpf_disabled", "1"),
    ("/proc/sys/kernel/kptr_restrict", "2"),
  ]

  /// A backend holds about ten descriptors, init four and a few per restart; the default 1024
  /// is too near for a domain with a hundred disks.
  static let openFilesMax: UInt64 = 16384

  /// Applies everything, and gives a text for each that failed.
  static func apply() -> [String] {
    var problems: [String] = []
    for (path, value) in settings {
      do throws(Errno) {
        try Files.write(value, to: path)
      } catch {
        // A kernel built without the feature is fine.
        if error != .noSuchFileOrDirectory { problems.append("\(path): \(error)") }
      }
    }
    let limits: [(resource: Int32, value: UInt64)] = [
      (c_limit_open_files, openFilesMax),
      // Registered buffers of io_uring are locked memory.
      (c_limit_locked_memory, c_limit_infinity),
      (c_limit_core_size, 0),
    ]
    for (resource, value) in limits {
      do throws(Errno) {
        try SystemCall.setLimit(resource, to: value)
      } catch {
        problems.append("limit \(resource): \(error)")
      }
    }
    return problems
  }
}
