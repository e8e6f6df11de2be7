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

  private static func capture(_ options: CaptureOptions) throws(CaptureError) -> CaptureResult {
    var session = try CaptureSession(options)
    do throws(Errno) {
      let signals = OwnedFileDescriptor(
        adopting: FileDescriptor(rawValue: try systemCall { c_open_stop_signals() }))
      while !session.isFull, try sleep(until: session.descriptor, orSignal: signals.rawValue) {
        try session.drain()
      }
    } catch {
      throw .file(options.file, error)
    }
    return session.result
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
