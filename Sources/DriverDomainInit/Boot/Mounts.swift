import CLinux
import Logging
import SystemPackage

/// The filesystems of the image itself, and the administrator's volumes.
enum Mounts {
  /// Mounts what the constructor in CEarlyBoot has not: /run, in memory.
  static func mountRun() throws(Errno) {
    try Files.makeDirectories("/run")
    let flags = UInt(c_mount_no_suid | c_mount_no_device | c_mount_no_exec)
    // Only links and sockets live there; a quarter of the smallest domain's memory is far more.
    try SystemCall.mount("tmpfs", on: "/run", type: "tmpfs", flags: flags, options: "size=16m")
  }

  /// Mounts one volume. Guests' images are data: no device nodes, no programs.
  static func mount(_ volume: Configuration.Volume) throws(Errno) {
    try Files.makeDirectories(volume.directory)
    var flags = UInt(
      c_mount_no_suid | c_mount_no_device | c_mount_no_exec | c_mount_no_atime)
    if volume.isReadOnly { flags |= UInt(c_mount_read_only) }
    try SystemCall.mount(volume.device, on: volume.directory, type: volume.type, flags: flags)
  }

  /// Unmounts volumes, last first, and reports each that does not go.
  static func unmount(_ volumes: [Configuration.Volume], log: Logger) {
    for volume in volumes.reversed() {
      do throws(Errno) {
        try SystemCall.unmount(volume.directory)
      } catch {
        log.error(
          "cannot unmount volume",
          metadata: ["directory": "\(volume.directory)", "reason": "\(error)"])
      }
    }
  }
}
