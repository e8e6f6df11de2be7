internal import CXen
internal import Glibc
package import RingTransport
import SystemPackage

/// Grant copies (`GNTTABOP_copy`).
extension SimulatedMachine {
  func copy(_ batch: inout GrantCopyBatch, by domain: DomainIdentifier) throws(Errno) {
    if faults.strikes(faults.copyCallPercent) { throw .noMemory }
    try unsafe batch.withSegments { segments throws(Errno) in
      _ = unsafe make(segments, by: domain)
    }
  }

  /// The copies of a transfer, as the kernel's command makes them (`images/kernel/patches`): later,
  /// while the table is still there.
  ///
  /// - Returns: what makes them, and says whether none has failed.
  package func copies(
    _ table: borrowing GrantCopyTable, _ range: Range<Int>, by domain: DomainIdentifier
  ) -> () -> Bool {
    var later = { false }
    unsafe table.withSegments(range) { segments in
      later = { unsafe self.make(segments, by: domain) }
    }
    return later
  }

  private func make(
    _ segments: UnsafeMutableBufferPointer<xengnttab_grant_copy_segment_t>,
    by domain: DomainIdentifier
  ) -> Bool {
    var areMade = true
    for index in segments.indices {
      // SAFETY: in bounds; the flags say which member of each union is set.
      let status = unsafe run(segments[index], by: domain)
      unsafe segments[index].status = status
      if status != Int16(GNTST_okay) { areMade = false }
    }
    return areMade
  }

  /// One operation. Its status as Xen gives it.
  private func run(
    _ segment: xengnttab_grant_copy_segment_t, by domain: DomainIdentifier
  ) -> Int16 {
    let isIntoGrant: Bool
    switch unsafe Int32(segment.flags) {
    case GNTCOPY_dest_gref: isIntoGrant = true
    case GNTCOPY_source_gref: isIntoGrant = false
    default: return Int16(GNTST_bad_copy_arg)
    }
    // SAFETY: the direction says on which side the grant is, and so which members are set.
    let granted = unsafe isIntoGrant ? segment.dest.foreign : segment.source.foreign
    guard let local = unsafe isIntoGrant ? segment.source.virt : segment.dest.virt else {
      return Int16(GNTST_bad_copy_arg)
    }
    let granter = DomainIdentifier(rawValue: granted.domid)
    let reference = GrantReference(rawValue: granted.ref)
    let (offset, count) = (Int(granted.offset), unsafe Int(segment.len))
    beforeCopyOperation?(granter)
    if faults.strikes(faults.copyPercent) { return Int16(GNTST_general_error) }
    guard let owner = domains[granter] else { return Int16(GNTST_bad_domain) }
    guard let entry = owner.grant(reference) else { return Int16(GNTST_bad_gntref) }
    guard entry.grantee == domain, !(isIntoGrant && entry.isReadOnly) else {
      return Int16(GNTST_general_error)
    }
    guard offset + count <= xenPageByteCount else { return Int16(GNTST_bad_copy_arg) }
    unsafe move(local, entry.frame, offset, count, isIntoGrant)
    return Int16(GNTST_okay)
  }

  private func move(
    _ local: UnsafeMutableRawPointer, _ frame: MachineFrame, _ offset: Int, _ count: Int,
    _ isIntoGrant: Bool
  ) {
    // SAFETY: the range was checked to lie in the page; the caller of the batch vouches for
    // `local`.
    let page = unsafe memory.address(of: frame) + offset
    if isIntoGrant {
      unsafe _ = memcpy(page, local, count)
    } else {
      unsafe _ = memcpy(local, page, count)
    }
  }
}
