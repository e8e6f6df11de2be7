/// The images of this project, as `make images` leaves them.
extension DriverDomainImage {
  /// The disk driver domain's.
  public static let disk = built("disk")
  /// The network driver domain's.
  public static let network = built("network")

  /// The kernel with Linux's own backends, and the guests' initramfs with QEMU's block backend
  /// (`images/test-host/peer.sh`).
  public static let peer = DriverDomainImage(
    name: "peer", kernel: "\(out)/peer/vmlinux", ramdisk: "\(out)/peer/initrd")

  private static func built(_ name: String) -> DriverDomainImage {
    DriverDomainImage(
      name: name, kernel: "\(out)/\(name)/vmlinux", ramdisk: "\(out)/\(name)/initrd")
  }

  private static let out = TestHostFiles.root + "/images/out"
}
