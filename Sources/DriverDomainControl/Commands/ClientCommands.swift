import Glibc
import RingTransport

/// The commands that speak to running services through XenStore.
enum ClientCommands {
  /// A restart takes seconds; with a slow machine, a rollback and back-off, minutes.
  static let answerSecondsMax: UInt64 = 300
  static let driverDomainCountMax = 64

  /// `ddctl restart`
  static func restart<Transport: XenStoreTransport & ~Copyable>(
    _ name: String, _ store: inout Store<Transport>
  ) throws(KeeperError) -> Int32 {
    try ask(name, .restart, &store)
  }

  /// `ddctl upgrade`
  static func upgrade<Transport: XenStoreTransport & ~Copyable>(
    _ name: String, directory: String, _ store: inout Store<Transport>
  ) throws(KeeperError) -> Int32 {
    try ask(name, .upgrade(directory: directory), &store)
  }

  /// `ddctl status`
  static func status<Transport: XenStoreTransport & ~Copyable>(
    _ store: inout Store<Transport>
  ) throws(KeeperError) -> Int32 {
    let names = try store.children(
      of: [StorePaths.keepers], countMax: driverDomainCountMax)[0]
    for name in names.sorted() {
      let paths = KeeperPaths(name: name)
      let values = try store.values(of: [
        paths.domain, paths.process, paths.activity, paths.restarts, paths.lastRestart,
      ])
      let isKept = values[1].flatMap { Int32($0) }.map { kill($0, 0) == 0 } ?? false
      print(
        "\(name): domain \(values[0] ?? "?"), \(isKept ? values[2] ?? "?" : "no service runs"), "
          + "restarts \(values[3] ?? "0")"
          + (values[4].map { ", last restart \($0)" } ?? ""))
    }
    return 0
  }

  private static func ask<Transport: XenStoreTransport & ~Copyable>(
    _ name: String, _ kind: KeeperRequest.Kind, _ store: inout Store<Transport>
  ) throws(KeeperError) -> Int32 {
    let paths = KeeperPaths(name: name)
    guard try store.read(paths.process) != nil else {
      print("ddctl: no service keeps '\(name)'; start one with ddctl run")
      return 1
    }
    let identifier = "\(getpid())-\(MonotonicClock.milliseconds())"
    try store.watch(paths.answer, token: "answer")
    try store.write(paths.request, KeeperRequest(identifier: identifier, kind: kind).text)
    let end = MonotonicClock.milliseconds() + answerSecondsMax * 1000
    while MonotonicClock.milliseconds() < end {
      while try store.nextChange() != nil {}
      if let answer = try store.read(paths.answer), answer.hasPrefix(identifier + " ") {
        let text = answer.dropFirst(identifier.count + 1)
        print("\(name): \(text)")
        return text.hasPrefix("done") ? 0 : 1
      }
      var entry = pollfd(fd: store.fileDescriptor, events: Int16(POLLIN), revents: 0)
      // SAFETY: one entry, alive and unshared for the length of the call. An interrupted wait is
      // over early, and no more.
      _ = unsafe poll(&entry, 1, 1_000)
    }
    print("\(name): no answer within \(answerSecondsMax) s; see ddctl status")
    return 1
  }
}
