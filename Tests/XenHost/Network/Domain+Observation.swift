/// Observing the packets that arrive at a guest, by its own kernel's clock.
extension Domain {
  /// Has tcpdump print the packets of an interface that match, and awk read what it prints: a line
  /// for each, which begins with the time in seconds. The tools have to be mounted (`/tools`).
  public func startObserving(
    _ filter: String, on interface: String = "eth0", script: String
  ) async throws {
    // As root, for whom it looks in the list of users. Not promiscuous, of which the kernel tells.
    try await check(
      """
      rm -f /observed.done /tcpdump.log
      echo root:x:0:0::/:/bin/sh >/etc/passwd
      (sh -c 'echo $$ >/tcpdump.pid
        exec /tools/tcpdump/tcpdump -Z root -p -l -n -tt -i \(interface) "\(filter)" \
          2>/tcpdump.log' |
        awk '\(script)' >/observed
        touch /observed.done) </dev/null >/dev/null 2>&1 &
      for try in $(seq 100); do
        grep -q listening /tcpdump.log 2>/dev/null && exit 0
        usleep 100000
      done
      cat /tcpdump.log
      exit 1
      """)
  }

  /// Ends the observation and returns what the script printed.
  public func endObservation() async throws -> String {
    try await check(
      """
      sleep 1
      kill -INT $(cat /tcpdump.pid)
      until [ -e /observed.done ]; do usleep 100000; done
      cat /observed
      """)
  }
}
