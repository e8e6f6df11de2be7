internal import CPcap
import RingTransport

/// A compiled filter over frames, in libpcap's language (pcap-filter(7)).
///
/// Compiling is not for several threads at once in versions of libpcap before 1.8; a backend
/// compiles before it starts any. A name of a host in an expression is looked up while compiling,
/// which in a driver domain finds nothing and is an error.
///
/// SAFETY of the unchecked Sendable: init alone writes the program, and its users only read it.
@safe final class PacketFilter: @unchecked Sendable {
  /// What was compiled.
  let expression: String
  private let program: UnsafeMutablePointer<bpf_program>

  /// The longest expression in bytes. The compiler's work grows with it.
  static let longestExpressionByteCount = 32 * 1024

  /// Compiles an expression. An empty one lets everything pass.
  init(_ expression: String) throws(PacketFilterError) {
    guard expression.utf8.count <= Self.longestExpressionByteCount else { throw .tooLong }
    // In C it would end there, and the filter be another.
    guard !expression.utf8.contains(0) else { throw .syntax(expression, reason: "a zero byte") }
    // SAFETY: the session is closed on every way out; it holds no more than sizes and texts.
    guard let session = unsafe pcap_open_dead(DLT_EN10MB, Int32(NetLimits.packetByteCount)) else {
      throw .memory
    }
    defer { unsafe pcap_close(session) }
    // SAFETY: the program is deallocated here or owned by the instance.
    let program = UnsafeMutablePointer<bpf_program>.allocate(capacity: 1)
    unsafe program.initialize(to: bpf_program())
    let result = unsafe pcap_compile(session, program, expression, 1, c_pcap_netmask_unknown)
    guard result == 0 else {
      let reason = unsafe pcap_geterr(session).map { unsafe String(cString: $0) } ?? ""
      unsafe program.deallocate()
      throw .syntax(expression, reason: reason)
    }
    self.expression = expression
    unsafe self.program = program
  }

  deinit {
    // SAFETY: nobody else has the program.
    unsafe pcap_freecode(program)
    unsafe program.deallocate()
  }

  /// Whether a frame passes. A test that reads behind its end fails.
  func admits(_ frame: RawSpan) -> Bool {
    // SAFETY: the program is alive and only read; the call reads `frame` within its size.
    unsafe frame.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return false }
      let size = UInt32(truncatingIfNeeded: bytes.count)
      return unsafe c_pcap_run(
        program, start.assumingMemoryBound(to: UInt8.self), size, size) != 0
    }
  }
}

/// Why there is no filter.
enum PacketFilterError: Error, Hashable, Sendable, CustomStringConvertible {
  /// libpcap does not understand the expression. Its text does not say where.
  case syntax(String, reason: String)
  case tooLong
  case memory

  var description: String {
    switch self {
    case .syntax(let expression, let reason):
      "libpcap does not accept the filter '\(expression)': \(reason)"
    case .tooLong:
      "the filter is longer than \(PacketFilter.longestExpressionByteCount) bytes"
    case .memory: "no memory for a filter"
    }
  }
}
