/// The kernel and initramfs of a driver domain, by local paths.
public struct DriverDomainImage: Sendable {
  /// The directory under `/images` in Dom0 that holds the image.
  public let name: String
  /// A Linux kernel that starts as a PV domain; an uncompressed ELF file starts fastest.
  public let kernel: String
  /// Its initramfs.
  public let ramdisk: String

  /// Names an image. `name` has to be unique on the host.
  public init(name: String, kernel: String, ramdisk: String) {
    self.name = name
    self.kernel = kernel
    self.ramdisk = ramdisk
  }

  /// The kernel's path in Dom0.
  public var kernelInDom0: String { "/images/\(name)/kernel" }
  /// The initramfs' path in Dom0.
  public var ramdiskInDom0: String { "/images/\(name)/ramdisk" }
}

/// What a boot of the test host may vary.
public struct HostConfiguration: Sendable {
  /// Images of driver domains to put into Dom0.
  public var images: [DriverDomainImage]
  /// More files for Dom0: absolute path there, local path here.
  public var files: [String: String]
  /// More options for QEMU.
  public var options: [String]
  /// More words for Dom0's kernel command line.
  public var dom0Words: String
  /// How long Dom0 may take to answer.
  public var bootTimeout: Duration

  /// The test host as `images/test-host/README.md` describes it, plus what is given.
  public init(
    images: [DriverDomainImage] = [], files: [String: String] = [:], options: [String] = [],
    dom0Words: String = "", bootTimeout: Duration = .seconds(180)
  ) {
    self.images = images
    self.files = files
    self.options = options
    self.dom0Words = dom0Words
    self.bootTimeout = bootTimeout
  }

  /// Everything to put into Dom0, by absolute path there.
  var stagedFiles: [String: String] {
    images.reduce(into: files) { files, image in
      files[image.kernelInDom0] = image.kernel
      files[image.ramdiskInDom0] = image.ramdisk
    }
  }
}
