import CXenLight
import RingTransport

/// The toolstack that `xl` uses too (libxenlight). One thread uses it.
@safe
struct XenLightToolstack: Toolstack, ~Copyable {
  // SAFETY: never released, so always valid; nobody else has it.
  /// Lives as long as the process: libxl's memory is not worth an orderly end.
  private let context: OpaquePointer

  /// Opens the hypervisor's interface; nil outside Dom0, or without the rights.
  init?() {
    // SAFETY: the call gives a context of our own, or NULL.
    guard let context = unsafe c_xen_light_open() else { return nil }
    unsafe self.context = context
  }

  mutating func lookUp(_ domain: DomainIdentifier) throws(KeeperError) -> DomainSighting? {
    var found = c_xen_light_domain()
    // SAFETY: the context is open, and the call writes into the structure only.
    let result = unsafe c_xen_light_look_up(context, UInt32(domain.rawValue), &found)
    if result == 1 { return nil }
    if result < 0 {
      throw KeeperError.toolstack(operation: "looking up domain \(domain)", code: result)
    }
    return DomainSighting(state: Self.state(of: found), identity: Self.identity(of: found))
  }

  mutating func number(ofDomainNamed name: String) -> DomainIdentifier? {
    var number: UInt32 = 0
    // SAFETY: the context is open, and the call copies the name and writes the number.
    guard unsafe libxl_name_to_domid(context, name, &number) == 0 else { return nil }
    return UInt16(exactly: number).map { DomainIdentifier(rawValue: $0) }
  }

  mutating func create(
    _ description: DomainDescription, as domain: DomainIdentifier
  ) throws(KeeperError) {
    // SAFETY: the context is open, and the call copies the text.
    let result = unsafe c_xen_light_create(context, description.text, UInt32(domain.rawValue))
    try Self.check(result, "creating domain \(domain)")
  }

  mutating func pause(_ domain: DomainIdentifier) throws(KeeperError) {
    // SAFETY: the context is open; without an asynchronous handle the call waits.
    let result = unsafe libxl_domain_pause(context, UInt32(domain.rawValue), nil)
    try Self.check(result, "pausing domain \(domain)")
  }

  mutating func unpause(_ domain: DomainIdentifier) throws(KeeperError) {
    // SAFETY: as for pausing.
    let result = unsafe libxl_domain_unpause(context, UInt32(domain.rawValue), nil)
    try Self.check(result, "unpausing domain \(domain)")
  }

  mutating func destroy(_ domain: DomainIdentifier) throws(KeeperError) {
    // SAFETY: as for pausing.
    let result = unsafe libxl_domain_destroy(context, UInt32(domain.rawValue), nil)
    try Self.check(result, "destroying domain \(domain)")
  }

  private static func check(_ result: Int32, _ operation: String) throws(KeeperError) {
    if result != 0 { throw KeeperError.toolstack(operation: operation, code: result) }
  }

  private static func state(of found: c_xen_light_domain) -> DomainSighting.State {
    if found.isDying != 0 { return .dying }
    if found.isShutDown != 0 { return .shutDown(reason(found.shutdownReason)) }
    return found.isPaused != 0 ? .paused : .running
  }

  private static func reason(_ code: Int32) -> ShutdownReason {
    switch code {
    case c_xen_light_power_off: .powerOff
    case c_xen_light_reboot: .reboot
    case c_xen_light_crash: .crash
    case c_xen_light_watchdog: .watchdog
    default: .other
    }
  }

  private static func identity(of found: c_xen_light_domain) -> String {
    var bytes = found.identity
    // SAFETY: a tuple of sixteen bytes, alive and unshared for the length of the call.
    return unsafe withUnsafeBytes(of: &bytes) { bytes in
      unsafe bytes.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }.joined()
    }
  }
}
