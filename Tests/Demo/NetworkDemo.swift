import XenHost

/// What came out of the network's part of the demo.
struct NetworkReport: Equatable {
  var bytesVerified = 0
  var errors = 0
  var pingsLost = 0

  /// Whether everything was done, without an error.
  var isGood: Bool {
    bytesVerified == NetworkDemo.transfers * (Demo.mebibytesEach << 20) && errors == 0
      && pingsLost == 0
  }
}

/// The network's part of the demo: each guest sends the file on its disk to the outside and to the
/// other guest, and receives one from the outside. Whoever receives answers with the sum.
enum NetworkDemo {
  /// Files that cross the network: two guests, three each.
  static let transfers = 6
  /// Pings to the outside and to the other guest, for each guest.
  static let pings = 100

  /// - Parameter guests: two, with a file `/mnt/data` each.
  static func run(
    _ guests: [Domain], on network: NetworkDomain, say: (String) -> Void
  ) async throws -> NetworkReport {
    var report = NetworkReport()
    let outside = network.outside.address
    let file = try await OutsideFile(mebibytes: Demo.mebibytesEach)
    defer { file.remove() }
    let sums = try OutsideServer(running: "sha256sum")
    let files = try OutsideServer(running: "cat", [file.path])
    defer {
      sums.stop()
      files.stop()
    }
    var addresses: [String] = []
    for guest in guests {
      addresses.append(try await guest.requestAddress())
      try await guest.serveSums()
      say("\(guest.name): has the address \(addresses.last ?? "") by DHCP")
    }
    for (guest, other) in [(guests[0], addresses[1]), (guests[1], addresses[0])] {
      let before = try await guest.networkCounters()
      let sum = try await guest.check("sha256sum </mnt/data | cut -d ' ' -f 1")
      let answers = [
        try await guest.sendData("/mnt/data", times: 1, to: outside, port: sums.port) == sum,
        try await guest.sendData("/mnt/data", times: 1, to: other) == sum,
        try await guest.receiveSum(from: outside, port: files.port) == file.sum,
      ]
      let good = answers.filter { $0 }.count
      report.bytesVerified += good * (Demo.mebibytesEach << 20)
      for address in [outside, other] {
        report.pingsLost += try await guest.pingsLost(to: address, count: pings)
      }
      let change = try await guest.networkCounters().since(before)
      report.errors += change.checksumErrors + change.interfaceErrors + answers.count - good
      say("\(guest.name): \(good) of \(answers.count) files arrived as they were sent")
    }
    return report
  }
}
