import XenHost

/// What came out of the network's part of the demo.
struct NetworkReport: Equatable {
  var bytesVerified = 0
  var errors = 0
  var pingsLost = 0

  /// Whether everything was done, without an error.
  var isGood: Bool {
    bytesVerified == NetworkDemo.bytesToVerify && errors == 0 && pingsLost == 0
  }
}

/// The network's part of the demo: each guest fetches the file on the other's disk, sends a part of
/// its own to the outside, and fetches as much from there. The sums are compared.
enum NetworkDemo {
  /// What crosses QEMU's network, which is slower than the bridge.
  static let outsideMebibytes = 8
  /// Two guests; one file to the other, one out, one in, each.
  static let bytesToVerify = 2 * (Demo.mebibytesEach + 2 * outsideMebibytes) << 20
  /// Pings to the outside and to the other guest, for each guest.
  static let pings = 100

  /// - Parameter guests: two, with a file `/mnt/data` each.
  static func run(_ guests: [Domain], on network: NetworkDomain) async throws -> NetworkReport {
    var report = NetworkReport()
    let outside = network.outside.address
    let file = try await OutsideFile(mebibytes: outsideMebibytes)
    defer { file.remove() }
    let sums = try OutsideServer(running: "md5sum")
    let files = try OutsideServer(serving: file)
    defer {
      sums.stop()
      files.stop()
    }
    var addresses: [String] = []
    var whole: [String] = []
    for guest in guests {
      addresses.append(try await guest.requestAddress())
      whole.append(try await guest.check("md5sum </mnt/data | cut -d ' ' -f 1"))
      try await guest.serveFiles()
      Output.say("\(guest.name): has the address \(addresses.last ?? "") by DHCP")
    }
    for (index, guest) in guests.enumerated() {
      let other = addresses[1 - index]
      let before = try await guest.networkCounters()
      try await guest.check("head -c \(outsideMebibytes << 20) /mnt/data >/part")
      let partSum = try await guest.check("md5sum </part | cut -d ' ' -f 1")
      let answers = [
        (
          try await guest.fetchSum("/mnt/data", from: other) == whole[1 - index],
          Demo.mebibytesEach
        ),
        (
          try await guest.sendData("/part", to: outside, port: sums.port) == partSum,
          outsideMebibytes
        ),
        (
          try await guest.fetchSum(from: outside, port: files.port) == file.sum,
          outsideMebibytes
        ),
      ]
      let good = answers.filter { $0.0 }
      report.bytesVerified += good.reduce(0) { $0 + ($1.1 << 20) }
      for address in [outside, other] {
        report.pingsLost += try await guest.pingsLost(to: address, count: pings)
      }
      let change = try await guest.networkCounters().since(before)
      report.errors += change.checksumErrors + change.interfaceErrors + answers.count - good.count
      Output.say(
        "\(guest.name): \(good.count) of \(answers.count) transfers arrived as they were sent")
    }
    return report
  }
}
