/// A disk or partition that the kernel shows, with what links need to know.
struct BlockDevice: Equatable {
  /// The kernel's name, `vda1`.
  var name: String
  var byteCount: UInt64
  var isReadOnly = false
  /// The disk's serial number; a partition has its disk's.
  var serial: String?
  /// Nil for a whole disk.
  var partition: Partition?

  /// What only a partition has.
  struct Partition: Equatable {
    var number: Int
    var identifier: String?
    var label: String?
  }

  /// Links below `/dev/disk` that lead to this device.
  var links: [String] {
    var links: [String] = []
    if let identifier = partition?.identifier { links.append("by-partuuid/" + identifier) }
    if let label = partition?.label.flatMap(LinkName.encode) {
      links.append("by-partlabel/" + label)
    }
    if let serial = serial.flatMap(LinkName.encode) {
      let suffix = partition.map { "-part\($0.number)" } ?? ""
      if serial.utf8.count + suffix.utf8.count <= LinkName.byteCountMax {
        links.append("by-serial/" + serial + suffix)
      }
    }
    return links
  }
}
