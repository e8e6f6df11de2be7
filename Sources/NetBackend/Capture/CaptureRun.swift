internal import CLinux
internal import Glibc
import Logging
import RingTransport
import SystemPackage

/// `net-backend capture`: a process of its own, so that a slow disk stops no guest's traffic.
enum CaptureRun {
  /// Does what the arguments say, and returns the exit status.
  static func run(_ arguments: some Sequence<String>) -> Int32 {
    switch CaptureOptions.read(arguments) {
    case .help:
      print(CaptureOptions.helpText, terminator: "")
      return 0
    case .wrong(let reason):
      print("net-backend capture: \(reason)\n\n" + CaptureOptions.helpText, terminator: "")
      return 2
    case .capture(let options):
      let log = Logger(label: "net-backend") { _ in
        ConsoleLog(console: .standardError, program: "net-backend capture", level: .info)
      }
      do throws(CaptureError) {
        let result = try capture(options)
        log.info(
          "captured",
          metadata: [
            "frames": "\(result.frameCount)", "bytes": "\(result.byteCount)",
            "missed": "\(result.missedCount)",
          ])
        return 0
      } catch {
        log.error("cannot capture", metadata: ["reason": "\(error)"])
        return 1
      }
    }
  }

  private struct Result {
    var frameCount = 0
    var byteCount: UInt64 = 0
    var missedCount: UInt64 = 0
  }

  private static let frameCountPerWakeMax = 1024

  private static func capture(_ options: CaptureOptions) throws(CaptureError) -> Result {
    let filter: PacketFilter
    do throws(PacketFilterError) {
      filter = try PacketFilter(options.filter)
    } catch {
      throw .filter(error)
    }
    var session: PacketSession
    do throws(NetPortError) {
      session = try PacketSession(interface: options.interface, direction: .both)
    } catch {
      throw .interface(error)
    }
    do throws(Errno) {
      let signals = OwnedFileDescriptor(
        adopting: FileDescriptor(rawValue: try systemCall { c_open_stop_signals() }))
      let memory = try PrivateMemory(byteCount: NetLimits.packetByteCount + 1)
      var capture = try PacketCapture(
        path: options.file, snapByteCount: NetLimits.packetByteCount,
        limitByteCount: UInt64(options.limitMebibytes) << 20)
      var result = Result()
      while !capture.hasFailed, capture.missedCount == 0,
        try sleep(until: session.descriptor, orSignal: signals.rawValue)
      {
        // A flood must not keep the signal from being seen.
        for _ in 0..<frameCountPerWakeMax {
          guard let frame = session.next(into: memory, at: 0, byteCount: memory.byteCount) else {
            break
          }
          let bytes = memory.bytes.extracting(0..<frame.byteCount)
          guard filter.admits(bytes) else { continue }
          capture.write(bytes, timeMicroseconds: frame.timeMicroseconds)
          result.frameCount += 1
        }
        capture.flush()
      }
      if capture.hasFailed { throw .ioError }
      result.byteCount = capture.byteCount
      result.missedCount = capture.missedCount
      return result
    } catch {
      throw .file(options.file, error)
    }
  }

  /// Sleeps until there are frames; false when the process is to end.
  private static func sleep(
    until frames: Int32, orSignal signal: Int32
  ) throws(Errno) -> Bool {
    var polls = [
      pollfd(fd: signal, events: Int16(POLLIN), revents: 0),
      pollfd(fd: frames, events: Int16(POLLIN), revents: 0),
    ]
    let count = UInt(polls.count)
    // SAFETY: the call writes the array's elements, and no more.
    try systemCall { unsafe poll(&polls, count, -1) }
    // An interface that is gone is readable with an error for ever.
    if polls[1].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { return false }
    return polls[0].revents == 0
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
