import Logging
import RingTransport
import SystemPackage

/// Addresses of the domain itself, on bridges only.
extension NetworkRole {
  private typealias Client = DHCPClient<SystemRandomNumberGenerator>

  /// Gives bridges that have come their addresses.
  func updateAddresses(now: UInt64) {
    for wanted in configuration.addresses {
      guard let bridge = links.first(where: { $0.name == wanted.bridge }),
        bridge.kind == Link.bridgeKind, bridge.isUp
      else { continue }
      switch wanted.source {
      case .fixed(let address, let gateway): setFixed(address, gateway, on: bridge)
      case .dhcp: updateSession(on: bridge, now: now)
      }
    }
  }

  private func setFixed(
    _ address: InterfaceAddress, _ gateway: InternetAddress?, on bridge: Link
  ) {
    guard fixedAddresses[bridge.index]?.contains(address) != true else { return }
    let topic = "address \(bridge.name) \(address)"
    do throws(NetworkError) {
      try control.addAddress(address, gateway: gateway, to: bridge.name)
      fixedAddresses[bridge.index, default: []].insert(address)
      setProblems([], of: topic)
      log.info("address set", metadata: ["bridge": "\(bridge.name)", "address": "\(address)"])
    } catch {
      setProblems(["\(error)"], of: topic)
    }
  }

  private func updateSession(on bridge: Link, now: UInt64) {
    let topic = "dhcp \(bridge.name)"
    if let old = sessions[bridge.name],
      old.interfaceIndex != bridge.index || old.client.hardwareAddress != bridge.address
    {
      // A lease belongs to the address of the hardware, which is another now.
      if let lease = old.client.lease { carryOut([.deconfigure(lease)], of: old) }
      sessions[bridge.name] = nil
    }
    if sessions[bridge.name] == nil, let address = bridge.address {
      do throws(Errno) {
        let session = try DHCPSession(
          bridge: bridge.name, interfaceIndex: bridge.index, address: address)
        sessions[bridge.name] = session
        announce(descriptor: session.socket.descriptor.rawValue)
        setProblems([], of: topic)
      } catch {
        setProblems(["DHCP on \(bridge.name): \(error)"], of: topic)
      }
    }
    guard let session = sessions[bridge.name] else { return }
    if bridge.hasCarrier && !session.hadCarrier {
      carryOut(session.client.handle(.linkUp, now: now), of: session)
    }
    session.hadCarrier = bridge.hasCarrier
  }

  /// Takes DHCP answers.
  func receive(now: UInt64) {
    for session in sessions.values {
      do throws(Errno) {
        carryOut(try session.receive(now: now), of: session)
      } catch {
        // The interface was switched off; what is still owed is asked for again.
        log.debug("DHCP", metadata: ["bridge": "\(session.bridge)", "reason": "\(error)"])
      }
    }
  }

  /// Lets the clients act whose time has come.
  func timeReached(now: UInt64) {
    for session in sessions.values {
      carryOut(session.client.handle(.timeReached, now: now), of: session)
    }
  }

  private func carryOut(_ actions: [Client.Action], of session: DHCPSession) {
    for action in actions {
      switch action {
      case .send(let datagram, let address):
        do throws(Errno) {
          try session.socket.send(datagram, to: address)
        } catch {
          log.debug(
            "DHCP request not sent",
            metadata: ["bridge": "\(session.bridge)", "reason": "\(error)"])
        }
      case .configure(let lease): configure(lease, session)
      case .deconfigure(let lease): deconfigure(lease, session)
      case .log(let text):
        log.warning("DHCP: \(text)", metadata: ["bridge": "\(session.bridge)"])
      }
    }
  }

  private func configure(_ lease: DHCPLease, _ session: DHCPSession) {
    let topic = "lease \(session.bridge)"
    do throws(NetworkError) {
      try control.addAddress(lease.address, gateway: lease.router, to: session.bridge)
      setProblems([], of: topic)
      log.info(
        "address lent",
        metadata: ["bridge": "\(session.bridge)", "address": "\(lease.address)"])
    } catch {
      setProblems(["\(error)"], of: topic)
    }
  }

  private func deconfigure(_ lease: DHCPLease, _ session: DHCPSession) {
    do throws(NetworkError) {
      try control.removeAddress(lease.address, gateway: lease.router, of: session.bridge)
    } catch {
      log.warning("address stays", metadata: ["reason": "\(error)"])
    }
  }
}
