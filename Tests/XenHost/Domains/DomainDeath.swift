/// The ways in which driver domains die in scenarios and measurements.
public enum DomainDeath: String, CaseIterable, Sendable {
  /// The kernel ends in the middle of whatever it does (sysrq).
  case panic
  /// `xl destroy`, which takes a domain's devices away while it still runs.
  case destroyed
  /// Gone from the hypervisor; what the toolstack has made for it stays.
  case vanished
  /// It stands still, until the hypervisor's watchdog ends it.
  case hang
  /// A new build of kernel and initramfs.
  case upgrade
  /// A restart that is wanted, in the middle of which `ddctl` is killed and started again.
  case keeperKilled = "keeper killed"

  /// The command of Dom0, with the domain's name in `$d` and its number in `$n`.
  ///
  /// - Parameters:
  ///   - round: varies what may vary.
  ///   - keeper: the command that starts the keeper anew.
  public func command(round: Int, keeper: String) -> String {
    switch self {
    case .panic: "xenstore-write /local/domain/$n/control/sysrq c"
    // The watchdog, and then ddctl, may be quicker with the end of it.
    case .destroyed: "xl destroy $d || true"
    case .vanished: "domain-kill $n"
    // The watchdog's time runs while the domain stands still.
    case .hang: "xl pause $d"
    case .upgrade:
      // A build that differs by a file: an archive more, at a multiple of 4 as the kernel wants it.
      """
      rm -rf /run/image && mkdir -p /run/image/new
      cp /images/$d/kernel /images/$d/ramdisk /run/image/
      echo \(round) >/run/image/new/build-\(round)
      head -c $((4 - $(stat -c %s /run/image/ramdisk) % 4)) /dev/zero >>/run/image/ramdisk
      (cd /run/image/new && find . | cpio -o -H newc 2>/dev/null) >>/run/image/ramdisk
      sum=$(sha256sum </run/image/ramdisk)
      ddctl upgrade $d --image /run/image && [ "$(sha256sum </images/$d/ramdisk)" = "$sum" ]
      """
    case .keeperKilled:
      // From its first step to the boot of the new domain.
      """
      ddctl restart $d >/dev/null 2>&1 &
      usleep \(Self.keeperDelaysMicroseconds[round % Self.keeperDelaysMicroseconds.count])
      kill -9 $(xenstore-read /tool/driver-domains/$d/pid)
      usleep 100000
      \(keeper)
      """
    }
  }

  private static let keeperDelaysMicroseconds = [700_000, 150_000, 1_500_000, 400_000, 3_000_000]
}
