import XenHost

/// Steady, light work of guests, in which the death of their driver domain shows as a gap.
protocol DomainLoad {
  /// Ends the work and the guests.
  ///
  /// - Returns: the gaps.
  func end() async throws -> [GuestPause]
}

/// What counts as a gap, and how fine they are seen.
enum DomainLoadTimes {
  static let minimumPauseMilliseconds = 100
  static let stepMilliseconds = 5
  /// The tools come from Dom0, so that no driver domain that dies has a part in them.
  static let tools = Disk.dom0("xvdz", target: "\(XenHost.dom0Disk)4", isWritable: false)
}

/// A guest that writes 4 KiB, and again a moment after that has come back.
struct DiskLoad: DomainLoad {
  private let guest: Domain

  /// Starts a guest with one disk of the domain.
  static func start(
    on host: XenHost, _ domain: Domain, target: String
  ) async throws -> DiskLoad {
    let guest = try await host.startGuest(
      .guest(
        "writes",
        disks: [
          Disk("xvda", target: target, backend: domain.name), DomainLoadTimes.tools,
        ]))
    try await DiskDomain.mountTools(in: guest)
    try await guest.check(
      """
      (cd / && sh -c 'echo $$ >/load.pid
          exec /tools/fio/fio --name=load --filename=/dev/xvda --direct=1 --size=64M \
            --ioengine=psync --rw=randwrite --bs=4k --time_based --runtime=10h \
            --thinktime=\(DomainLoadTimes.stepMilliseconds)ms --write_lat_log=load \
            --log_unix_epoch=1 --disable_clat=1 --disable_slat=1'
        touch /load.done) >/load.log 2>&1 </dev/null &
      until [ $(awk '{ print $5 }' /sys/block/xvda/stat) -gt 100 ]; do
        [ ! -e /load.done ] || { cat /load.log; exit 1; }
        usleep 200000
      done
      """)
    return DiskLoad(guest: guest)
  }

  func end() async throws -> [GuestPause] {
    try await guest.check(
      """
      [ ! -e /load.done ] && kill -INT $(cat /load.pid) || { cat /load.log; exit 1; }
      until [ -e /load.done ]; do usleep 100000; done
      """)
    let pauses = try await guest.pauses(
      inLatencyLog: "/load_lat.1.log",
      minimumMilliseconds: DomainLoadTimes.minimumPauseMilliseconds)
    try await guest.shutdown()
    return pauses
  }
}

/// Two guests, of which one pings the other.
struct NetworkLoad: DomainLoad {
  private let guests: [Domain]
  private let pings: ObservedPings

  /// Starts two guests with an interface each on a bridge of the domain.
  static func start(on host: XenHost, _ network: NetworkDomain) async throws -> NetworkLoad {
    let guests = try await host.startGuests(
      (1...2).map { number in
        .guest(
          "pings\(number)", disks: number == 2 ? [DomainLoadTimes.tools] : [],
          interfaces: [network.interface(number)])
      })
    for (index, guest) in guests.enumerated() {
      try await guest.check(
        "ip link set eth0 up && ip addr add 192.0.2.\(index + 1)/24 dev eth0")
    }
    try await DiskDomain.mountTools(in: guests[1])
    let pings = ObservedPings(
      from: guests[0], to: guests[1], address: "192.0.2.2", mac: network.interface(2).mac,
      intervalMilliseconds: DomainLoadTimes.stepMilliseconds,
      minimumPauseMilliseconds: DomainLoadTimes.minimumPauseMilliseconds)
    try await pings.start()
    return NetworkLoad(guests: guests, pings: pings)
  }

  func end() async throws -> [GuestPause] {
    let pauses = try await pings.end()
    for guest in guests { try await guest.shutdown() }
    return pauses
  }
}
