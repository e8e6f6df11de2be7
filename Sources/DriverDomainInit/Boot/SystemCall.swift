import CLinux
import Glibc
import RingTransport
import SystemPackage

/// The system calls of PID 1, each with its typed error.
enum SystemCall {
  /// Mounts `source` on `directory`, which must exist (`mount(2)`).
  static func mount(
    _ source: String, on directory: String, type: String, flags: UInt = 0, options: String = ""
  ) throws(Errno) {
    // SAFETY: the strings live for the length of the call and end in NUL.
    try systemCall { unsafe Glibc.mount(source, directory, type, flags, options) }
  }

  /// Unmounts `directory` (`umount2(2)`).
  static func unmount(_ directory: String) throws(Errno) {
    // SAFETY: the string lives for the length of the call and ends in NUL.
    try systemCall { unsafe umount2(directory, 0) }
  }

  /// Loads one uncompressed or kernel-decompressed module (`finit_module(2)`).
  static func loadModule(_ module: borrowing OwnedFileDescriptor) throws(Errno) {
    // SAFETY: the empty string lives for the length of the call and ends in NUL.
    try systemCall { unsafe c_finit_module(module.rawValue, "") }
  }

  /// Sets the soft and the hard limit of a resource (`setrlimit(2)`).
  static func setLimit(_ resource: Int32, to value: UInt64) throws(Errno) {
    try systemCall { c_set_limit(resource, value, value) }
  }

  /// Takes the processor as soon as there is something to do (`sched_setscheduler(2)`).
  static func runAtOnce() throws(Errno) {
    try systemCall { c_run_at_once() }
  }

  /// Powers off, halts or restarts (`reboot(2)`).
  static func reboot(_ command: Int32) throws(Errno) {
    try systemCall { CLinux.reboot(command) }
  }

  /// Sends a signal to a process, or with a negative identifier to a group (`kill(2)`).
  static func signal(_ identifier: pid_t, _ number: Int32) throws(Errno) {
    try systemCall { kill(identifier, number) }
  }
}
