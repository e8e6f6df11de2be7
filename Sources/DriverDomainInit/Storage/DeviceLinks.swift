import SystemPackage

/// Keeps the links below `/dev/disk` as the devices are.
struct DeviceLinks {
  var deviceDirectory = "/dev"

  /// The directories whose content is ours.
  static let directories = ["by-partuuid", "by-partlabel", "by-serial"]

  /// What the links should be.
  struct Plan: Equatable {
    /// A link's path below `/dev/disk`, and the device's name.
    var targets: [String: String] = [:]
    /// Names that more than one device claims. They get no link: guests write partition tables,
    /// and a copied label must not lead one guest's backend to another guest's disk.
    var ambiguous: [String] = []
  }

  static func plan(for devices: [BlockDevice]) -> Plan {
    var claims: [String: [String]] = [:]
    for device in devices {
      for link in device.links { claims[link, default: []].append(device.name) }
    }
    var plan = Plan()
    for (link, names) in claims.sorted(by: { $0.key < $1.key }) {
      if names.count == 1 {
        plan.targets[link] = names[0]
      } else {
        plan.ambiguous.append(link)
      }
    }
    return plan
  }

  /// Makes missing and changed links, removes stale ones, and gives a text for each failure.
  func apply(_ plan: Plan) -> [String] {
    var problems: [String] = []
    for directory in Self.directories {
      let path = "\(deviceDirectory)/disk/\(directory)"
      do throws(Errno) {
        try Files.makeDirectories(path)
      } catch {
        problems.append("\(path): \(error)")
        continue
      }
      for name in Files.names(in: path) where plan.targets["\(directory)/\(name)"] == nil {
        do throws(Errno) {
          try Files.remove("\(path)/\(name)")
        } catch {
          problems.append("\(path)/\(name): \(error)")
        }
      }
    }
    for (link, name) in plan.targets.sorted(by: { $0.key < $1.key }) {
      let path = "\(deviceDirectory)/disk/\(link)"
      let target = "../../" + name
      if Files.linkTarget(path) == target { continue }
      do throws(Errno) {
        try Files.link(path, to: target)
      } catch {
        problems.append("\(path): \(error)")
      }
    }
    return problems
  }
}
