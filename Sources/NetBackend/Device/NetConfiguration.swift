import RingTransport

/// What the toolstack wants a vif to be: the nodes that libxl writes into the leaf (`libxl_nic.c`).
struct NetConfiguration: Sendable, Equatable {
  /// The frontend's directory.
  let frontend: XenStorePath
  /// The guest's hardware address. Never ours.
  let address: EthernetAddress
  /// What the guest may send.
  let filterExpression: String
  let rate: NetRate?
  /// Why `rate` limits nothing though it is there, for the log.
  let rateProblem: NetRateError?

  /// The nodes that ``init(values:filter:)`` wants, in its order.
  static let nodes = LeafConfiguration.nodes(of: .virtualInterface)

  /// An expression behind this replaces the check of the guest's own addresses.
  static let onlyPrefix = "only:"

  /// Judges the nodes' values; nil stands for a node that is not there.
  ///
  /// - Parameter filter: the administrator's expression, in addition to the default, by which the
  ///   guest uses its own addresses only. Behind ``onlyPrefix`` it stands for itself.
  init(values: [String?], filter: String?) throws(NetConfigurationError) {
    precondition(values.count == Self.nodes.count)
    guard let text = values[0], let frontend = XenStorePath(text) else {
      throw .bad(node: "frontend", value: values[0])
    }
    guard let text = values[1], let address = EthernetAddress(text), !address.isMulticast else {
      throw .bad(node: "mac", value: values[1])
    }
    self.frontend = frontend
    self.address = address
    filterExpression = try Self.filter(filter, address: address, ipNode: values[2])
    do throws(NetRateError) {
      rate = try NetRate.read(values[3])
      rateProblem = nil
    } catch {
      rate = nil
      rateProblem = error
    }
  }
}

extension NetConfiguration {
  private static func filter(
    _ expression: String?, address: EthernetAddress, ipNode: String?
  ) throws(NetConfigurationError) -> String {
    let expression = expression ?? ""
    if expression.hasPrefix(onlyPrefix) { return String(expression.dropFirst(onlyPrefix.count)) }
    do throws(SourceRestrictionError) {
      let source = try SourceRestriction(address: address, ipNode: ipNode).expression
      return expression.isEmpty ? source : "(\(source)) and (\(expression))"
    } catch {
      throw .source(error)
    }
  }
}

/// Why a leaf's nodes make no vif.
enum NetConfigurationError: Error, Equatable, CustomStringConvertible {
  case bad(node: String, value: String?)
  case source(SourceRestrictionError)
  case filter(PacketFilterError)
  /// Whoever started the process knows that it cannot work.
  case unusable(String)

  var description: String {
    switch self {
    case .bad(let node, nil): "the vif's '\(node)' node is missing or cannot be read"
    case .bad(let node, let value?): "the vif's '\(node)' node says '\(value)', which is no value"
    case .source(let error): error.description
    case .filter(let error): error.description
    case .unusable(let reason): reason
    }
  }
}
