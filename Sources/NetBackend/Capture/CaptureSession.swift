import RingTransport
import SystemPackage

/// What a capture came to.
struct CaptureResult: Equatable {
  var frameCount = 0
  /// Size of the file.
  var byteCount: UInt64 = 0
  /// Frames that did not fit into it.
  var missedCount: UInt64 = 0
}

/// From an interface into a file.
struct CaptureSession: ~Copyable {
  private var session: PacketSession
  private var capture: PacketCapture
  private let filter: PacketFilter
  private let memory: PrivateMemory
  private var frameCount = 0

  /// How many frames one call takes: a flood must not keep a signal from being seen.
  private static let frameCountPerDrain = 1024

  /// Opens the interface and makes the file.
  init(_ options: CaptureOptions) throws(CaptureError) {
    let filter: PacketFilter
    do throws(PacketFilterError) {
      filter = try PacketFilter(options.filter)
    } catch {
      throw .filter(error)
    }
    let session = try Self.open(options.interface)
    let memory = try Self.makeMemory(options)
    let capture = try Self.makeFile(options)
    self.filter = filter
    self.session = session
    self.memory = memory
    self.capture = capture
  }

  private static func open(_ interface: String) throws(CaptureError) -> PacketSession {
    do throws(NetPortError) {
      return try PacketSession(interface: interface, direction: .both)
    } catch {
      throw .interface(error)
    }
  }

  private static func makeMemory(
    _ options: CaptureOptions
  ) throws(CaptureError) -> PrivateMemory {
    do throws(Errno) {
      return try PrivateMemory(byteCount: NetLimits.packetByteCount + 1)
    } catch {
      throw .file(options.file, error)
    }
  }

  private static func makeFile(_ options: CaptureOptions) throws(CaptureError) -> PacketCapture {
    do throws(Errno) {
      return try PacketCapture(
        path: options.file, snapByteCount: NetLimits.packetByteCount,
        limitByteCount: UInt64(options.limitMebibytes) << 20)
    } catch {
      throw .file(options.file, error)
    }
  }

  /// What to poll.
  var descriptor: Int32 { session.descriptor }

  /// Whether the next frame would not fit.
  var isFull: Bool { capture.missedCount > 0 }

  /// What it has come to.
  var result: CaptureResult {
    CaptureResult(
      frameCount: frameCount, byteCount: capture.byteCount, missedCount: capture.missedCount)
  }

  /// Writes what has come by.
  mutating func drain() throws(Errno) {
    var written = 0
    for _ in 0..<Self.frameCountPerDrain {
      guard let frame = session.next(into: memory, at: 0, byteCount: memory.byteCount) else {
        break
      }
      written += write(frame)
    }
    frameCount += written
    capture.flush()
    if capture.hasFailed { throw .ioError }
  }
}

extension CaptureSession {
  /// Writes a frame that lies at the start of the memory; returns how many were written.
  private mutating func write(_ frame: PacketSession.Sighting) -> Int {
    var frames = 0
    Self.write(frame, from: memory, through: filter, into: &capture, counting: &frames)
    return frames
  }

  private static func write(
    _ frame: PacketSession.Sighting, from memory: borrowing PrivateMemory,
    through filter: PacketFilter, into capture: inout PacketCapture, counting frames: inout Int
  ) {
    let bytes = memory.bytes.extracting(0..<frame.byteCount)
    guard filter.admits(bytes) else { return }
    capture.write(bytes, timeMicroseconds: frame.timeMicroseconds)
    if capture.missedCount == 0 { frames += 1 }
  }
}

/// Why nothing was captured.
enum CaptureError: Error, Equatable, CustomStringConvertible {
  case filter(PacketFilterError)
  case interface(NetPortError)
  case file(String, Errno)

  var description: String {
    switch self {
    case .filter(let error): error.description
    case .interface(let error): error.description
    case .file(let path, let errno): "cannot write '\(path)': \(errno)"
    }
  }
}
