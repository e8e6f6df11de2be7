import CXen
import Glibc
import RingTransport
import SystemPackage

/// A guest's pages in private memory, and the part of a frontend that needs no thought. The grant
/// reference of a page is its number.
@safe final class BenchGuest {
  let pageCount: Int
  private let base: UnsafeMutableRawPointer

  init(pageCount: Int) {
    self.pageCount = pageCount
    // SAFETY: fresh pages, zeroed; freed in `deinit` only.
    unsafe base = .allocate(
      byteCount: pageCount * xenPageByteCount, alignment: xenPageByteCount)
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: pageCount * xenPageByteCount)
  }

  deinit {
    // SAFETY: the last use.
    unsafe base.deallocate()
  }

  /// A page as the backend maps it; valid as long as the guest is.
  func pages(_ page: Int = 0) -> SharedPages {
    // SAFETY: the page's whole extent; it goes with the guest, not with the mapping.
    unsafe SharedPages(
      unsafeBase: address(page, 0, xenPageByteCount), byteCount: xenPageByteCount
    ) { _, _ in }
  }

  /// Writes into a page.
  func write(_ bytes: RawSpan, page: Int, at offset: Int) {
    unsafe bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      // SAFETY: `address` checks the range.
      unsafe _ = memcpy(address(page, offset, source.count), start, source.count)
    }
  }

  /// Writes as many slots as are there, and shows them to the backend.
  ///
  /// - Parameters:
  ///   - producer: where the first goes; moved on.
  ///   - template: the bytes of a slot, in the ring's order.
  func produce(
    _ count: Int, producer: inout RingIndex, layout: RingLayout, page: Int,
    template: (Int) -> RawSpan
  ) {
    for index in 0..<count {
      write(template(index), page: page, at: layout.slotOffset(of: producer))
      producer = producer.advanced(by: 1)
    }
    show(producer, page: page)
  }

  /// Shows the backend the requests before a place.
  func show(_ producer: RingIndex, page: Int = 0) {
    // SAFETY: `req_prod` is the first word of the page (xen/io/ring.h).
    unsafe address(page, 0, 4).storeBytes(of: producer.rawValue, as: UInt32.self)
  }

  /// Where some bytes of a page lie.
  @unsafe func address(_ page: Int, _ offset: Int, _ count: Int) -> UnsafeMutableRawPointer {
    precondition((0..<pageCount).contains(page) && offset >= 0 && count >= 0)
    precondition(offset + count <= xenPageByteCount)
    return unsafe base + page * xenPageByteCount + offset
  }
}

/// The least that a hypervisor can do: it knows one guest, and copies no more of each operation
/// than a backend reads of a packet. What it costs to copy is Xen's matter.
struct BenchHypervisor: Hypervisor {
  private static let copiedByteCount = 128
  private let guest: BenchGuest

  init(_ guest: BenchGuest) {
    self.guest = guest
  }

  mutating func map(
    _ references: [GrantReference], of domain: DomainIdentifier
  ) throws(Errno) -> SharedPages {
    guard references.count == 1 else { throw .invalidArgument }
    return guest.pages(Int(references[0].rawValue))
  }

  mutating func copy(_ batch: inout GrantCopyBatch) throws(Errno) {
    unsafe batch.withSegments { segments in
      for index in segments.indices {
        // SAFETY: the flag says which member of each union is set; the batch vouches for ours.
        let isIntoGrant = unsafe segments[index].flags == UInt16(GNTCOPY_dest_gref)
        let segment = unsafe segments[index]
        let granted = unsafe isIntoGrant ? segment.dest.foreign : segment.source.foreign
        let local = unsafe isIntoGrant ? segment.source.virt : segment.dest.virt
        let count = unsafe min(Int(segment.len), Self.copiedByteCount)
        let page = unsafe guest.address(Int(granted.ref), Int(granted.offset), count)
        if let local = unsafe local {
          unsafe _ = isIntoGrant ? memcpy(page, local, count) : memcpy(local, page, count)
        }
        unsafe segments[index].status = Int16(GNTST_okay)
      }
    }
  }

  mutating func bind(
    _ remotePort: EventChannelPort, of domain: DomainIdentifier
  ) throws(Errno) -> EventChannelPort { remotePort }
  mutating func unbind(_ port: EventChannelPort) {}
  mutating func notify(_ port: EventChannelPort) {}
}
