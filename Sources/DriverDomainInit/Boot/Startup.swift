import CEarlyBoot
import CLinux
import Logging
import SystemPackage

/// What PID 1 does once before it serves.
enum Startup {
  /// Mounts, settings and modules; gives the texts of what went wrong. Nothing of it is a reason
  /// to stop: a domain that runs can say what is missing.
  static func prepare(_ configuration: Configuration) -> [String] {
    var problems: [String] = []
    let earlyError = Errno(rawValue: c_early_boot_errno())
    if earlyError.rawValue != 0 { problems.append("mounts of /proc, /sys and /dev: \(earlyError)") }
    do throws(Errno) {
      // A guest waits while init has a dead backend's device taken over.
      try SystemCall.runAtOnce()
    } catch {
      problems.append("scheduling: \(error)")
    }
    do throws(Errno) {
      try Mounts.mountRun()
    } catch {
      problems.append("mount of /run: \(error)")
    }
    problems += KernelSettings.apply()
    let modules = Modules()
    problems += modules.load(
      extra: configuration.extraModules, filesystems: configuration.volumes.map(\.type))
    modules.discard()
    return problems
  }

  /// The kernel's command line.
  static func commandLine() -> String {
    Files.text(of: "/proc/cmdline") ?? ""
  }

  /// Writes everything to the disks and leaves; the call comes back only when it fails.
  static func end(_ request: PowerRequest) throws(Errno) {
    sync()
    try SystemCall.reboot(request.rebootCommand)
  }
}
