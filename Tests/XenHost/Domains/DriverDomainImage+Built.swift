import Foundation

/// The images of this project, as `make images` leaves them.
extension DriverDomainImage {
  /// The disk driver domain's.
  public static let disk = built("disk")
  /// The network driver domain's.
  public static let network = built("network")

  private static func built(_ name: String) -> DriverDomainImage {
    let directory = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "images/out/\(name)").path
    return DriverDomainImage(
      name: name, kernel: "\(directory)/vmlinux", ramdisk: "\(directory)/initrd.gz")
  }
}
