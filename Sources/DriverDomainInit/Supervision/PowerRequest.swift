import CLinux
import Glibc

/// How the domain ends.
enum PowerRequest: String {
  case powerOff = "poweroff"
  case halt
  case restart = "reboot"

  /// The signal by which `/sbin/poweroff` and `/sbin/reboot` tell PID 1.
  init?(signal: Int32) {
    switch signal {
    case SIGTERM: self = .powerOff
    case SIGINT: self = .restart
    default: return nil
    }
  }

  /// The value of `control/shutdown`; nil for what init does not act upon.
  init?(controlValue: String) {
    self.init(rawValue: controlValue)
  }

  /// The argument of `reboot(2)`. Under Xen the kernel makes it the reason that Dom0 sees.
  var rebootCommand: Int32 {
    switch self {
    case .powerOff: c_reboot_power_off
    case .halt: c_reboot_halt
    case .restart: c_reboot_restart
    }
  }
}
