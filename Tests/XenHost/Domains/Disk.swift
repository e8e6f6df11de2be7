/// A virtual disk of a guest.
public struct Disk: Sendable {
  /// The guest's name of it, as `xvda`.
  public var device: String
  /// What the backend opens.
  public var target: String
  /// The domain with the backend; Dom0 without.
  public var backend: String?
  /// The kind of backend, as xl's `backendtype=`; xl's choice without.
  public var type: String?
  /// Whether the guest may write.
  public var isWritable: Bool
  /// The hotplug script to run in Dom0.
  public var script: String?

  /// A disk that a driver domain serves.
  public init(_ device: String, target: String, backend: String, isWritable: Bool = true) {
    self.device = device
    self.target = target
    self.backend = backend
    self.isWritable = isWritable
    self.script = nil
  }

  /// A disk that Linux's own xen-blkback serves from Dom0.
  public static func dom0(_ device: String, target: String, isWritable: Bool = true) -> Disk {
    var disk = Disk(device, target: target, backend: "0", isWritable: isWritable)
    disk.backend = nil
    disk.script = "block-phy"
    return disk
  }

  /// The disk as `xl` wants it, in a configuration file and in `xl block-attach`.
  public var text: String {
    var fields = ["format=raw", "vdev=\(device)", "access=\(isWritable ? "rw" : "ro")"]
    if let backend { fields.append("backend=\(backend)") }
    if let type { fields.append("backendtype=\(type)") }
    if let script { fields.append("script=\(script)") }
    // Everything that follows `target=` belongs to it.
    return (fields + ["target=\(target)"]).joined(separator: ",")
  }
}
