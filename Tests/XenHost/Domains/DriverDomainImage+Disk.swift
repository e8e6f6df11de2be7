import Foundation

extension DriverDomainImage {
  /// The disk driver domain's image, as `make images` leaves it.
  public static let disk = DriverDomainImage(
    name: "disk", kernel: "\(output)/vmlinuz", ramdisk: "\(output)/initrd.gz")

  private static let output = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "images/out/disk").path
}
