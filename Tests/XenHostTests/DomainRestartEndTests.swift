import Testing
import XenHost

extension RealXen.DomainRestartTests {
  @Test(
    "guests that end while both driver domains are dead leave nothing",
    RealXen.inCompleteRun)
  func guestsEndMeanwhile() async throws {
    let host = try await RealXen.host
    let disk = try await RealXen.disk
    let network = try await RealXen.network
    let domains = [disk.domain, network.domain]
    var keepers: [DomainKeeper] = []
    for domain in domains { keepers.append(try await DomainKeeper(of: domain, on: host)) }
    let traces = try await Dom0Traces(on: host)
    let stays = try await host.startGuest(
      .guest(
        "stays", disks: [DiskDomain.partition("guest1")],
        interfaces: [network.insideInterface(1)]))
    let dies = try await host.startGuest(
      .guest(
        "dies", disks: [DiskDomain.partition("guest2")],
        interfaces: [network.insideInterface(2)]))
    let ends = try await host.startGuest(
      .guest(
        "ends", memory: 160, disks: [DiskDomain.partition("scratch")],
        interfaces: [network.insideInterface(3)]))
    try await stays.check("ip link set eth0 up && ip addr add 192.0.2.1/24 dev eth0")
    // The keepers come back only when the guests are gone.
    for keeper in keepers { try await keeper.kill() }
    try await host.dom0.check("domain-kill \(disk.domain.domid)")
    try await host.dom0.check("xl destroy \(network.domain.domid)")
    let numbers = [(dies.domid, dies.name), (ends.domid, ends.name)]
    let output = try await host.dom0.run("xl destroy \(dies.domid) 2>&1").output
    #expect(!output.contains("error"), "\(output)")
    try await dies.waitUntilGone()
    try await ends.shutdown()
    for keeper in keepers { try await keeper.start() }
    for domain in domains { try await domain.joinNextLife() }
    for (number, name) in numbers { try await RealXen.expectNothingLeft(of: number, name: name) }
    try await stays.check("dd if=/dev/xvda of=/dev/null bs=1M count=16 iflag=direct")
    // Somebody to talk to, whose devices are attached to the new domains in the usual way.
    let comes = try await host.startGuest(
      .guest(
        "comes", disks: [DiskDomain.partition("guest2")],
        interfaces: [network.insideInterface(2)]))
    try await comes.check(
      """
      ip link set eth0 up && ip addr add 192.0.2.2/24 dev eth0
      dd if=/dev/xvda of=/dev/null bs=1M count=16 iflag=direct
      """)
    #expect(try await stays.pingsLost(to: "192.0.2.2", count: 50) == 0)
    try await RealXen.shutDown([stays, comes])
    try await traces.expectNone()
    for keeper in keepers { try await keeper.stop() }
  }

  @Test(
    "an image that does not come to serve is taken back, and the guest goes on",
    RealXen.inCompleteRun)
  func badUpgrade() async throws {
    let host = try await RealXen.host
    let disk = try await RealXen.disk
    let keeper = try await DomainKeeper(of: disk.domain, on: host)
    let guest = try await host.startGuest(
      .guest("waits", disks: [DiskDomain.partition("guest1")]))
    let before = try await keeper.restarts()
    // An initramfs without an init: the kernel ends.
    let answer = try await host.dom0.run(
      """
      mkdir -p /run/broken && cp /images/disk/kernel /run/broken/kernel
      (cd /run/broken && touch nothing && echo nothing | cpio -o -H newc 2>/dev/null >ramdisk)
      sum=$(sha256sum </images/disk/ramdisk)
      ddctl upgrade disk --image /run/broken; echo "status $?"
      [ "$(sha256sum </images/disk/ramdisk)" = "$sum" ] && echo same; rm -r /run/broken
      until [ "$(xenstore-read /tool/driver-domains/disk/activity)" = serving ]; do
        usleep 100000
      done
      """, timeout: .seconds(180)
    ).output
    #expect(answer.contains("failed: the new image does not serve"), "\(answer)")
    #expect(answer.contains("status 1") && answer.contains("same"), "\(answer)")
    #expect(try await keeper.restarts() >= before + 2)
    try await disk.domain.joinNextLife()
    try await guest.check("dd if=/dev/xvda of=/dev/null bs=1M count=16 iflag=direct")
    try await RealXen.shutDown([guest])
    try await keeper.stop()
  }

  @Test(
    "ddctl says what is true: status, metrics, top, logs",
    RealXen.inCompleteRun)
  func commands() async throws {
    let host = try await RealXen.host
    let disk = try await RealXen.disk
    let network = try await RealXen.network
    let keepers = [
      try await DomainKeeper(of: disk.domain, on: host),
      try await DomainKeeper(of: network.domain, on: host),
    ]
    let guest = try await host.startGuest(
      .guest(
        "counted", disks: [DiskDomain.partition("guest1")],
        interfaces: [network.insideInterface(1)]))
    let status = try await host.dom0.check("ddctl status")
    #expect(status.contains("disk: domain \(disk.domain.domid), serving, restarts 0"), "\(status)")
    #expect(status.contains("network: domain \(network.domain.domid), serving"), "\(status)")

    let labels = "{domain=\"disk\",kind=\"vbd\",guest=\"\(guest.domid)\",device=\"51712\"}"
    let before = try await metric("driver_domain_device_read_bytes_total\(labels)")
    try await guest.check("dd if=/dev/xvda of=/dev/null bs=64k count=64 iflag=direct")
    let after = try await metric("driver_domain_device_read_bytes_total\(labels)")
    #expect(after - before == 64 * 65536, "\(before) to \(after)")
    #expect(try await metric("driver_domain_device_failures_total\(labels)") == 0)
    #expect(try await metric("driver_domain_up{domain=\"network\"}") == 1)

    // A MiB each tenth of a second; `top` tells of what was between two looks.
    try await guest.check(
      """
      (while ! [ -e /stop ]; do
        dd if=/dev/xvda of=/dev/null bs=1M count=1 iflag=direct; usleep 100000
      done) </dev/null >/dev/null 2>&1 &
      """)
    let top = try await host.dom0.run("timeout 6 ddctl top").output
    try await guest.check("touch /stop")
    let rows = top.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    let row = rows.last { $0.starts(with: ["disk", "vbd", "\(guest.domid)/51712"]) }
    let rate = row.flatMap { $0.count > 4 ? Double($0[4]) : nil } ?? 0
    #expect(row?.dropFirst(5).first == "MiB" && (1...12).contains(rate), "\(top)")

    let log = try await host.dom0.check("ddctl logs disk")
    #expect(log.contains("driver-domain-init[1]: info: serving"), "\(log)")
    try await RealXen.shutDown([guest])
    for keeper in keepers { try await keeper.stop() }
    #expect(try await host.dom0.check("ddctl status") == "")
  }

  /// A value of `ddctl metrics`.
  private func metric(_ name: String) async throws -> Double {
    let text = try await RealXen.host.dom0.check("ddctl metrics")
    let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
    return try #require(line?.split(separator: " ").last.flatMap { Double($0) }, "\(text)")
  }
}
