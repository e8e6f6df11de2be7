package import RingTransport
import SystemPackage

/// Pages of one domain that another has mapped, in one call.
struct GrantMapping {
  let mapper: DomainIdentifier
  let granter: DomainIdentifier
  let references: [GrantReference]
}

/// Grant tables.
extension SimulatedMachine {
  /// Lets `grantee` use a page.
  package func grant(
    _ frame: MachineFrame, of owner: DomainIdentifier, to grantee: DomainIdentifier,
    isReadOnly: Bool = false
  ) -> GrantReference {
    let domain = required(owner)
    precondition(domain.frames.contains(frame), "a domain grants its own pages")
    let entry = SimulatedDomain.Grant(frame: frame, grantee: grantee, isReadOnly: isReadOnly)
    if let index = domain.freeReferences.popLast() {
      domain.grants[index] = entry
      return GrantReference(rawValue: UInt32(index))
    }
    domain.grants.append(entry)
    return GrantReference(rawValue: UInt32(domain.grants.count - 1))
  }

  /// Ends a grant (`gnttab_end_foreign_access_ref`).
  ///
  /// - Returns: false while the page is mapped or being copied; the grant stays then.
  package func revoke(_ reference: GrantReference, of owner: DomainIdentifier) -> Bool {
    let domain = required(owner)
    guard let entry = domain.grant(reference) else {
      preconditionFailure("a grant ends once")
    }
    guard entry.mappingCount == 0, !entry.isBeingCopied else { return false }
    domain.grants[Int(reference.rawValue)] = nil
    domain.freeReferences.append(Int(reference.rawValue))
    return true
  }

  /// How many pages of `domain` others have mapped, counted once for each mapping.
  package func mappedPageCount(of domain: DomainIdentifier) -> Int {
    required(domain).grants.reduce(0) { $0 + ($1?.mappingCount ?? 0) }
  }

  /// How many grants a domain has given and not ended.
  package func grantCount(of domain: DomainIdentifier) -> Int {
    required(domain).grants.count { $0 != nil }
  }

  func map(
    _ references: [GrantReference], of granter: DomainIdentifier, by mapper: DomainIdentifier
  ) throws(Errno) -> SharedPages {
    if faults.strikes(faults.mapPercent) { throw .noMemory }
    guard let owner = domains[granter], !references.isEmpty else { throw .invalidArgument }
    var frames: [MachineFrame] = []
    for reference in references {
      // A backend maps its ring to write into it, which a read-only grant refuses.
      guard let entry = owner.grant(reference), entry.grantee == mapper, !entry.isReadOnly else {
        throw .invalidArgument
      }
      frames.append(entry.frame)
    }
    let identifier = newMappingIdentifier()
    let pages = try memory.map(frames) { [self] in release(identifier) }
    for reference in references { count(reference, of: granter, by: 1) }
    mappings[identifier] = GrantMapping(
      mapper: mapper, granter: granter, references: references)
    return pages
  }

  /// Undoes a mapping, unless that was done before.
  func release(_ identifier: Int) {
    guard let mapping = mappings.removeValue(forKey: identifier) else { return }
    for reference in mapping.references { count(reference, of: mapping.granter, by: -1) }
  }

  private func count(_ reference: GrantReference, of granter: DomainIdentifier, by step: Int) {
    required(granter).grants[Int(reference.rawValue)]?.mappingCount += step
  }
}
