import RingTransport

/// What `ddctl` asks of libxl. Calls block until they are done.
protocol Toolstack: ~Copyable {
  /// What the hypervisor knows of a domain; nil when the number is free.
  mutating func lookUp(_ domain: DomainIdentifier) throws(KeeperError) -> DomainSighting?

  /// The number of the domain with a name; nil when there is none.
  mutating func number(ofDomainNamed name: String) -> DomainIdentifier?

  /// Creates a domain, paused, with the number given.
  mutating func create(
    _ description: DomainDescription, as domain: DomainIdentifier
  ) throws(KeeperError)

  /// Stops a domain's processors.
  mutating func pause(_ domain: DomainIdentifier) throws(KeeperError)

  /// Lets a paused domain run.
  mutating func unpause(_ domain: DomainIdentifier) throws(KeeperError)

  /// Ends a domain and removes its nodes.
  mutating func destroy(_ domain: DomainIdentifier) throws(KeeperError)
}

/// A domain as the hypervisor sees it at one moment.
struct DomainSighting: Equatable {
  /// How the domain is.
  enum State: Equatable {
    /// Its processors may run, also when they have nothing to do.
    case running
    /// The toolstack has stopped it, or has not started it yet.
    case paused
    /// It has ended, and keeps its memory until it is destroyed.
    case shutDown(ShutdownReason)
    /// It is being taken apart. Its number is free when nobody holds a page of it any more.
    case dying
  }

  var state: State
  /// The domain's UUID (`xen_domain_handle_t`), as 32 hexadecimal digits.
  var identity: String
}

/// Why a domain has ended (`SHUTDOWN_*` of `xen/sched.h`).
enum ShutdownReason: String, Equatable {
  case powerOff = "poweroff"
  case reboot
  case crash
  case watchdog
  case other
}
