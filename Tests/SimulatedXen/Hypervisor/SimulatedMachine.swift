internal import Glibc
package import RingTransport
package import SystemPackage

/// A Xen host's domains in one process: memory, grants and event channels with Xen's rules, and
/// faults on demand. Deterministic; one thread.
///
/// What a misused grant or port does on Xen it does here: the caller gets an error, nobody else
/// notices. Counts show what was never given back.
package final class SimulatedMachine {
  /// What goes wrong by itself.
  package var faults = MachineFaults()
  /// Called before every single copy operation, with the domain whose page it is about: where a
  /// guest with several processors changes things under the backend's hands.
  package var beforeCopyOperation: ((DomainIdentifier) -> Void)?

  let memory: MachineMemory
  var domains: [DomainIdentifier: SimulatedDomain] = [:]
  var mappings: [Int: GrantMapping] = [:]
  private var nextMapping = 0

  /// Makes a machine without domains.
  package init(frameCount: Int = 1 << 16) throws(Errno) {
    memory = try MachineMemory(frameCount: frameCount)
  }

  /// Makes a domain that has nothing yet.
  package func createDomain(_ domain: DomainIdentifier) {
    precondition(domains[domain] == nil)
    domains[domain] = SimulatedDomain()
  }

  /// Ends a domain: all that it mapped is released, its ports are closed, its grants are gone.
  ///
  /// - Precondition: nobody has its pages mapped. On Xen it would stay as a zombie until then; ask
  ///   ``mappedPageCount(of:)`` first.
  package func destroyDomain(_ domain: DomainIdentifier) {
    precondition(mappedPageCount(of: domain) == 0, "domain \(domain) would be a zombie")
    releaseAll(of: domain)
    for frame in required(domain).frames { memory.free(frame) }
    domains[domain] = nil
  }

  /// What the kernel does when the process ends that had opened the Xen devices in `domain`: undoes
  /// its mappings and closes the ports that it bound.
  ///
  /// Views that the process still holds stay readable, as nobody can take them away here, but count
  /// no more.
  package func releaseAll(of domain: DomainIdentifier) {
    for (identifier, mapping) in mappings where mapping.mapper == domain {
      release(identifier)
    }
    for index in required(domain).ports.indices {
      close(EventChannelPort(rawValue: UInt32(index)), of: domain)
    }
  }

  func required(_ domain: DomainIdentifier) -> SimulatedDomain {
    guard let found = domains[domain] else { preconditionFailure("no domain \(domain)") }
    return found
  }

  // MARK: Memory

  /// Gives a domain one more zeroed page.
  package func allocateFrame(for domain: DomainIdentifier) -> MachineFrame {
    let frame = memory.allocate()
    required(domain).frames.insert(frame)
    return frame
  }

  /// Takes a page back. No grant may name it any more.
  package func freeFrame(_ frame: MachineFrame, of domain: DomainIdentifier) {
    let owner = required(domain)
    precondition(!owner.grants.contains { $0?.frame == frame }, "a granted page stays")
    precondition(owner.frames.remove(frame) != nil, "a domain gives back its own pages")
    memory.free(frame)
  }

  /// A domain's view of its own pages, contiguous.
  package func view(of frames: [MachineFrame]) throws(Errno) -> SharedPages {
    try memory.map(frames) {}
  }

  /// Writes into a page.
  package func write(_ bytes: [UInt8], to frame: MachineFrame, at offset: Int = 0) {
    precondition(offset >= 0 && offset + bytes.count <= xenPageByteCount)
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      // SAFETY: both ranges are as long as was checked.
      unsafe _ = memcpy(memory.address(of: frame) + offset, start, source.count)
    }
  }

  /// Reads from a page.
  package func read(
    _ frame: MachineFrame, at offset: Int = 0, count: Int = xenPageByteCount
  ) -> [UInt8] {
    precondition(offset >= 0 && count >= 0 && offset + count <= xenPageByteCount)
    return unsafe Array(unsafeUninitializedCapacity: count) { buffer, initialized in
      // SAFETY: both ranges are as long as was checked.
      if let start = buffer.baseAddress {
        unsafe _ = memcpy(start, memory.address(of: frame) + offset, count)
      }
      initialized = count
    }
  }

  /// The identifier for a new mapping.
  func newMappingIdentifier() -> Int {
    nextMapping += 1
    return nextMapping
  }
}
