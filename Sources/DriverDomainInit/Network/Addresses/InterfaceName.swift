import RingTransport

/// The names of network interfaces.
enum InterfaceName {
  /// `IFNAMSIZ` of net/if.h is 16, with the NUL.
  static let byteCountMax = 15

  /// Whether the kernel takes the name (`dev_valid_name` in Linux net/core/dev.c), and it is plain
  /// ASCII, so that it can stand in a log and in a path.
  static func isValid(_ name: some StringProtocol) -> Bool {
    guard (1...byteCountMax).contains(name.utf8.count), name != ".", name != ".." else {
      return false
    }
    return name.utf8.allSatisfy { byte in
      (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "/") && byte != UInt8(ascii: ":")
    }
  }

  /// A name as a component of a XenStore path, which knows no dots: `vif2.0` is `vif2-0`.
  static func nodeName(_ name: String) -> String {
    String(name.map { $0 == "." ? "-" : $0 })
  }

  /// The name of the backend's end of a guest's interface, `vif2.0`; nil where it would be too long
  /// for the kernel.
  static func backendEnd(of leaf: BackendLeaf) -> String? {
    let name = "vif\(leaf.frontendDomain).\(leaf.device)"
    return isValid(name) ? name : nil
  }

  /// The leaf that such a name belongs to; nil for the name of anything else.
  static func leaf(ofBackendEnd name: String) -> BackendLeaf? {
    guard name.hasPrefix("vif") else { return nil }
    let numbers = name.dropFirst(3).split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 2 else { return nil }
    return BackendLeaf(
      kind: BackendLeaf.Kind.virtualInterface.rawValue, frontendDomain: numbers[0],
      device: numbers[1])
  }

  /// The order of people: `eth2` comes before `eth10`.
  static func precedes(_ left: String, _ right: String) -> Bool {
    let (leftStem, leftNumber) = parts(left)
    let (rightStem, rightNumber) = parts(right)
    return (leftStem, leftNumber, left) < (rightStem, rightNumber, right)
  }

  private static func parts(_ name: String) -> (stem: String, number: Int) {
    let digits = name.reversed().prefix { $0.isNumber }.reversed()
    return (String(name.dropLast(digits.count)), Int(String(digits)) ?? -1)
  }
}
