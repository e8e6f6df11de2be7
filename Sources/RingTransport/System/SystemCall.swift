import Glibc
public import SystemPackage

/// The one place that turns the C convention of -1 and `errno` into a typed error.
///
/// `EINTR` is retried here, and where a guest's word is mapped, of which no error may trap
/// (``XenHypervisor``). `EBADF` and `EFAULT` are never operating conditions:
/// they mean that we passed a closed descriptor or a bad address, so they trap.
///
/// - Parameter body: one call that returns -1 and sets `errno` when it fails.
/// - Returns: what the call returned.
@discardableResult
public func systemCall<Value: FixedWidthInteger & SignedInteger>(
  _ body: () -> Value
) throws(Errno) -> Value {
  while true {
    let result = body()
    if result != -1 { return result }
    let error = Errno(rawValue: Glibc.errno)
    if error == .interrupted { continue }
    precondition(error != .badFileDescriptor, "system call on a closed descriptor")
    precondition(error != .badAddress, "system call with an address that is not ours")
    throw error
  }
}

/// As ``systemCall(_:)`` for a non-blocking descriptor.
///
/// - Returns: what the call returned, or nil where it would have blocked (`EAGAIN`).
public func nonBlockingSystemCall<Value: FixedWidthInteger & SignedInteger>(
  _ body: () -> Value
) throws(Errno) -> Value? {
  do throws(Errno) {
    return try systemCall(body)
  } catch {
    if error == .wouldBlock || error == .resourceTemporarilyUnavailable { return nil }
    throw error
  }
}
