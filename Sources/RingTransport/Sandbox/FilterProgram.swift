package import CLinux

/// A filter of system calls for the kernel (`seccomp(2)`): a table of what is allowed, as a program
/// of Linux's classic packet filter. What is not in the table kills the process, so that a table
/// that lacks something is noticed at once.
package struct FilterProgram {
  /// What is said about one system call.
  package struct Rule: Sendable {
    /// Its number.
    package var call: UInt32
    package var verdict: Verdict

    /// A rule.
    package init(_ call: UInt32, _ verdict: Verdict) {
      self.call = call
      self.verdict = verdict
    }
  }

  /// When a call is allowed. Arguments count from 0, and only their lower 32 bits are looked at,
  /// which is all that the kernel takes of those that are judged here.
  package enum Verdict: Sendable, Equatable {
    case allowed
    /// An argument is one of these.
    case values(argument: Int, [UInt32])
    /// An argument has none of these bits.
    case without(argument: Int, bits: UInt32)
    /// An argument has all of these bits.
    case with(argument: Int, bits: UInt32)
    /// Not carried out; the caller gets this error number.
    case fails(Int32)
  }

  /// The program; every way through it ends in a verdict.
  package let code: [sock_filter]

  /// The longest program that the kernel takes (`BPF_MAXINSNS`).
  package static let longestProgram = 4096

  /// Builds the program of a table. The rules are tried in their order.
  package init(_ rules: [Rule]) {
    var code = [
      Self.load(c_filter_machine_offset),
      Self.jump(c_filter_if_equal, c_filter_machine, yes: 1, no: 0),
      Self.verdict(c_filter_kill),
      Self.load(c_filter_number_offset),
      Self.jump(c_filter_if_at_least, c_filter_foreign_numbers, yes: 0, no: 1),
      Self.verdict(c_filter_kill),
    ]
    for rule in rules {
      let body = Self.body(rule.verdict)
      code.append(Self.jump(c_filter_if_equal, rule.call, yes: 0, no: body.count))
      code += body
    }
    code.append(Self.verdict(c_filter_kill))
    precondition(code.count <= Self.longestProgram)
    self.code = code
  }

  /// Ends in a verdict on every way.
  private static func body(_ verdict: Verdict) -> [sock_filter] {
    switch verdict {
    case .allowed: return [Self.verdict(c_filter_allow)]
    case .fails(let error): return [Self.verdict(c_filter_fail(error))]
    case .values(let argument, let values) where values.isEmpty:
      return [loadArgument(argument), Self.verdict(c_filter_kill)]
    case .values(let argument, let values):
      // Every comparison jumps over the rest and the refusal.
      let tests = values.enumerated().map { index, value in
        jump(c_filter_if_equal, value, yes: values.count - index, no: 0)
      }
      return [loadArgument(argument)] + tests + refusalAndPermission
    case .without(let argument, let bits):
      return [
        loadArgument(argument), sock_filter(code: c_filter_and, jt: 0, jf: 0, k: bits),
        jump(c_filter_if_equal, 0, yes: 1, no: 0),
      ] + refusalAndPermission
    case .with(let argument, let bits):
      return [
        loadArgument(argument), sock_filter(code: c_filter_and, jt: 0, jf: 0, k: bits),
        jump(c_filter_if_equal, bits, yes: 1, no: 0),
      ] + refusalAndPermission
    }
  }

  private static var refusalAndPermission: [sock_filter] {
    [verdict(c_filter_kill), verdict(c_filter_allow)]
  }

  private static func load(_ offset: UInt32) -> sock_filter {
    sock_filter(code: c_filter_load, jt: 0, jf: 0, k: offset)
  }

  /// On a little-endian machine the lower half of a 64-bit argument comes first.
  private static func loadArgument(_ argument: Int) -> sock_filter {
    precondition((0..<6).contains(argument))
    return load(c_filter_arguments_offset + UInt32(argument) * 8)
  }

  private static func jump(_ code: UInt16, _ value: UInt32, yes: Int, no: Int) -> sock_filter {
    sock_filter(code: code, jt: UInt8(yes), jf: UInt8(no), k: value)
  }

  private static func verdict(_ value: UInt32) -> sock_filter {
    sock_filter(code: c_filter_return, jt: 0, jf: 0, k: value)
  }
}
