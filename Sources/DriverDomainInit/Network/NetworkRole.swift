import Logging
import RingTransport
import SystemPackage

/// The network of a driver domain: bridges with their uplinks, TAP devices of guests, addresses.
///
/// It looks at what the kernel has, asks ``BridgePlan``, ``InterfacePlan`` and ``DHCPClient`` what
/// to do, and does it. It knows nothing of XenStore and processes. One thread uses it.
final class NetworkRole {
  let configuration: NetworkConfiguration
  let isProcessOne: Bool
  let log: Logger
  var control: LinkControl
  private var events: LinkEvents
  private(set) var readiness: NetworkReadiness
  private(set) var links: [Link] = []
  /// The links after which the last plan was carried out: a change that failed is tried again only
  /// when something is different.
  private var plannedLinks: [Link]?
  /// By what they are about; the newest of each counts.
  private var problemsByTopic: [String: [String]] = [:]
  private var carriers: [String: Bool] = [:]
  /// Fixed addresses that the kernel has, with the index of their bridge.
  var fixedAddresses: [Int32: Set<InterfaceAddress>] = [:]
  /// By bridge.
  var sessions: [String: DHCPSession] = [:]
  private var newDescriptors: [Int32] = []

  /// - Parameters:
  ///   - queueCount: how many queues the backend of an interface may serve.
  ///   - isProcessOne: whether the domain is ours alone. In a full distribution only what is named
  ///     is touched.
  init(
    _ configuration: NetworkConfiguration, queueCount: Int = 1, waitSeconds: Int,
    isProcessOne: Bool, log: Logger,
    now: UInt64
  ) throws(NetworkError) {
    let control = try LinkControl(queueCount: queueCount)
    let events: LinkEvents
    do throws(Errno) {
      events = try LinkEvents()
    } catch {
      throw .socket(error)
    }
    self.configuration = configuration
    self.isProcessOne = isProcessOne
    self.log = log
    self.control = control
    self.events = events
    readiness = NetworkReadiness(
      configuration, choosesUplink: isProcessOne, waitSeconds: waitSeconds, now: now)
  }

  /// For the event loop: input means that links changed.
  var eventDescriptor: Int32 { events.descriptor.rawValue }

  /// Takes events, and says whether `refresh` is due.
  func drainEvents() -> Bool { events.drain() }

  /// Descriptors that were opened since the last call; input means that `receive` is due.
  func takeNewDescriptors() -> [Int32] {
    defer { newDescriptors = [] }
    return newDescriptors
  }

  func announce(descriptor: Int32) {
    newDescriptors.append(descriptor)
  }

  /// When `refresh` or `timeReached` has something to do even without an event.
  var nextDeadline: UInt64? {
    let deadlines = sessions.values.map(\.client.nextDeadline) + [readiness.nextDeadline]
    return deadlines.compactMap { $0 }.min()
  }

  /// What an administrator has to know, in a stable order.
  var problems: [String] {
    readiness.problems + problemsByTopic.sorted { $0.key < $1.key }.flatMap(\.value)
  }

  func setProblems(_ problems: [String], of topic: String) {
    problemsByTopic[topic] = problems.isEmpty ? nil : problems
  }

  /// Looks at the links, and brings bridges, uplinks and addresses to what is configured.
  func refresh(now: UInt64) {
    guard readLinks() else {
      readiness.update(links: links, now: now)
      return
    }
    if links != plannedLinks {
      carryOut(BridgePlan(configuration, links: links, choosesUplink: isProcessOne))
      plannedLinks = readLinks() ? links : nil
    }
    readiness.update(links: links, now: now)
    logCarriers()
    updateAddresses(now: now)
  }

  /// Reads the list of links; false when that failed, which is a problem of its own.
  func readLinks() -> Bool {
    do throws(NetworkError) {
      links = try control.links()
      setProblems([], of: "links")
      return true
    } catch {
      setProblems(["\(error)"], of: "links")
      return false
    }
  }

  /// A change that fails does not keep the others from being made: half a bridge serves more guests
  /// than none.
  private func carryOut(_ plan: BridgePlan) {
    for (wanted, changes) in plan.bridges {
      var problems: [String] = []
      if let kind = conflict(wanted.name) {
        let error = NetworkError.wrongKind(wanted.name, kind: kind, wanted: Link.bridgeKind)
        problems.append("\(error)")
      } else {
        problems = carryOut(changes)
      }
      setProblems(problems, of: "bridge \(wanted.name)")
    }
    for (interface, changes) in plan.directUplinks {
      setProblems(carryOut(changes), of: "interface \(interface)")
    }
  }

  private func carryOut(_ changes: [LinkChange]) -> [String] {
    var problems: [String] = []
    for change in changes {
      do throws(NetworkError) {
        try control.apply(change)
        log.debug("link changed", metadata: ["change": "\(change)"])
      } catch {
        problems.append("\(error)")
      }
    }
    return problems
  }

  /// What a link of a bridge's name is, when it is no bridge.
  func conflict(_ name: String) -> String? {
    guard let link = links.first(where: { $0.name == name }), link.kind != Link.bridgeKind else {
      return nil
    }
    return link.kind ?? "network interface"
  }

  private func logCarriers() {
    let watched = Set(uplinks.map(\.name))
    carriers = carriers.filter { watched.contains($0.key) }
    for link in uplinks where carriers[link.name] != link.hasCarrier {
      if carriers.updateValue(link.hasCarrier, forKey: link.name) == nil && !link.hasCarrier {
        continue
      }
      log.info("link \(link.hasCarrier ? "up" : "down")", metadata: ["interface": "\(link.name)"])
    }
  }
}
