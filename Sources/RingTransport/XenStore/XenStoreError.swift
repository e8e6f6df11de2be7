public import SystemPackage

/// Why xenstored refused an operation: the names in `xsd_errors` of `xen/io/xs_wire.h`.
public enum XenStoreError: Error, Hashable, Sendable {
  /// `ENOENT`: no such node (also: no such watch, no such transaction).
  case noEntry
  /// `EACCES`: the node's access list does not allow it.
  case accessDenied
  /// `EEXIST`: there is such a watch already.
  case alreadyExists
  /// `ENOSPC`, or oxenstored's `EQUOTA`: the domain has used up what it is allowed.
  case quotaExceeded
  /// `EAGAIN`: the transaction lost against others more often than the client retries.
  case again
  /// `EINVAL`: xenstored does not like the request.
  case invalidArgument
  /// `E2BIG`: more than fits into one message.
  case tooBig
  /// `ENOSYS`: the server does not know the request.
  case notSupported
  /// `EBUSY`.
  case busy
  /// `EIO`.
  case inputOutput
  /// `ENOMEM`.
  case outOfMemory
  /// `EPERM`.
  case notPermitted
  /// The operation was fine, but another one in its transaction failed, so it was undone.
  case aborted
  /// A name that we do not know.
  case other(String)

  /// Creates the error that a server's `XS_ERROR` names.
  public init(name: String) {
    self =
      switch name {
      case "ENOENT": .noEntry
      case "EACCES": .accessDenied
      case "EEXIST": .alreadyExists
      case "ENOSPC", "EQUOTA": .quotaExceeded
      case "EAGAIN": .again
      case "EINVAL": .invalidArgument
      case "E2BIG": .tooBig
      case "ENOSYS": .notSupported
      case "EBUSY": .busy
      case "EIO": .inputOutput
      case "ENOMEM": .outOfMemory
      case "EPERM": .notPermitted
      default: .other(name)
      }
  }

  /// Creates the error for what Linux's xenbus device answers in place of the server.
  init(_ error: Errno) {
    self =
      switch error {
      case .noSuchFileOrDirectory: .noEntry
      case .permissionDenied: .accessDenied
      case .fileExists: .alreadyExists
      case .noSpace: .quotaExceeded
      case .invalidArgument: .invalidArgument
      case .argListTooLong: .tooBig
      case .noMemory: .outOfMemory
      case .ioError: .inputOutput
      case .notPermitted: .notPermitted
      default: .other(error.description)
      }
  }
}

/// Why a connection to XenStore is of no use any more. Nothing but a new connection helps.
public enum XenStoreFailure: Error, Hashable, Sendable {
  /// A system call on the connection failed.
  case transport(Errno)
  /// The server closed the connection.
  case closed
  /// The server sent something that the protocol does not allow.
  case malformed(Malformation)
  /// ``XenStoreClient/perform(_:transaction:timeoutMilliseconds:)`` got no answer in time. The
  /// connection itself stays usable.
  case timedOut

  /// What was wrong with a message.
  public enum Malformation: Hashable, Sendable {
    /// A length above `XENSTORE_PAYLOAD_MAX`.
    case payloadLength(UInt32)
    /// A reply to a request that we did not make, or that was answered before.
    case unexpectedReply(requestIdentifier: UInt32)
    /// A reply of another type than its request.
    case replyType(UInt32, expected: UInt32)
    /// A payload that does not parse as what its type says.
    case payload(type: UInt32)
  }
}
