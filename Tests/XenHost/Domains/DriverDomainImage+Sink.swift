import Foundation

extension DriverDomainImage {
  /// The network driver domain's image with an iperf3 server beside it, to measure against: the
  /// image itself holds no program that could be the other end.
  ///
  /// - Throws: when the guests' initramfs or the image has not been built.
  public static func networkWithSink() throws -> DriverDomainImage {
    let directory =
      NSTemporaryDirectory() + "/network-sink-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    // The kernel unpacks one behind the other: the image's files take the place of the guests'.
    let parts = [TestHostFiles.guestInitramfs, DriverDomainImage.network.ramdisk]
    let initramfs = try parts.reduce(into: Data()) { try $0 += Data(contentsOf: URL(filePath: $1)) }
    try initramfs.write(to: URL(filePath: "\(directory)/initrd"))
    return DriverDomainImage(
      name: "network", kernel: DriverDomainImage.network.kernel, ramdisk: "\(directory)/initrd")
  }
}
