/// What guests do with their network interfaces.
extension Domain {
  /// Asks for an address by DHCP until there is one.
  ///
  /// - Returns: the IPv4 address that the interface now has.
  public func requestAddress(on interface: String = "eth0") async throws -> String {
    try await check("dhcp \(interface)")
  }

  /// Waits for the address that the guest makes from a router's announcement.
  public func waitForGlobalIPv6(on interface: String = "eth0") async throws -> String {
    try await check(
      """
      until ip -6 addr show dev \(interface) scope global | grep -v tentative | grep -q inet6; do
        usleep 50000
      done
      ip -6 addr show dev \(interface) scope global | sed -n 's,.*inet6 \\([^/]*\\)/.*,\\1,p' |
        head -n 1
      """)
  }

  /// Starts a server on a TCP port that answers with the sum of what each connection sends: MD5, as
  /// an emulated guest computes SHA-256 more slowly than it sends.
  public func serveSums(port: Int = 5001) async throws {
    try await check("setsid nc -ll -p \(port) -e md5sum </dev/null >/dev/null 2>&1 &")
    try await waitForListener(port)
  }

  /// Starts iperf3's server.
  public func serveIperf() async throws {
    try await check("iperf3 -s -D")
    try await waitForListener(5201)
  }

  /// Waits until somebody listens at a TCP port.
  public func waitForListener(_ port: Int) async throws {
    try await check(
      "until netstat -ltn | grep -q ':\(port) '; do usleep 20000; done")
  }

  /// Makes a file of random bytes and returns the sum of it, read `times` times in a row.
  public func makeData(_ path: String = "/data", mebibytes: Int = 16, times: Int = 1) async throws
    -> String
  {
    try await check(
      """
      head -c \(mebibytes << 20) /dev/urandom >\(path)
      \(Self.repeated(path, times)) | md5sum | cut -d ' ' -f 1
      """)
  }

  /// Sends a file, `times` times in a row, to a server that answers with the sum of it.
  public func sendData(
    _ path: String = "/data", times: Int = 1, to address: String, port: Int = 5001
  ) async throws -> String {
    try await check(
      "\(Self.repeated(path, times)) | nc \(address) \(port) | cut -d ' ' -f 1",
      timeout: .seconds(300))
  }

  /// Starts a web server for the guest's files. It sends as much at once as the network takes,
  /// where busybox's nc sends a KiB.
  public func serveFiles(port: Int = 8080) async throws {
    try await check("httpd -p \(port) -h /")
    try await waitForListener(port)
  }

  /// Fetches a web server's file, `times` times in a row, and returns the sum.
  public func fetchSum(
    _ path: String = "/data", times: Int = 1, from address: String, port: Int = 8080
  ) async throws -> String {
    let host = address.contains(":") ? "[\(address)]" : address
    let addresses = Array(repeating: "http://\(host):\(port)\(path)", count: times)
    return try await check(
      "wget -q -O - \(addresses.joined(separator: " ")) | md5sum | cut -d ' ' -f 1",
      timeout: .seconds(300))
  }

  private static func repeated(_ path: String, _ times: Int) -> String {
    "cat \(Array(repeating: path, count: times).joined(separator: " "))"
  }

  /// Pings, by default as fast as the answers come, and returns how many answers were missing.
  ///
  /// With a fixed interval answers get lost in the receive buffer of busybox's ping, which holds
  /// only a few, as soon as the emulated machine stands still for a moment.
  public func pingsLost(
    to address: String, count: Int, payloadBytes: Int = 56, options: String = "-A"
  ) async throws -> Int {
    let output = try await run(
      "ping -q -c \(count) -s \(payloadBytes) \(options) \(address)", timeout: .seconds(300)
    ).output
    // "500 packets transmitted, 499 packets received, 0% packet loss"
    let words = output.split(whereSeparator: \.isWhitespace)
    guard let place = words.firstIndex(of: "received,"), place >= 2,
      let received = Int(words[place - 2])
    else { return count }
    return count - received
  }

  /// What the kernel counted on an interface, and errors of check sums on all.
  public func networkCounters(of interface: String = "eth0") async throws -> NetworkCounters {
    try await NetworkCounters(check("cat /proc/net/dev /proc/net/snmp /proc/net/snmp6"), interface)
  }

  /// Runs iperf3 against a server.
  public func iperf(to address: String, options: String, seconds: Int) async throws -> IperfReport {
    let output = try await check(
      "iperf3 -J -c \(address) -t \(seconds) \(options)", timeout: .seconds(seconds + 120))
    return try IperfReport(json: output)
  }
}
