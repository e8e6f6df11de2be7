/// The size of a page of the grant ABI (`XEN_PAGE_SIZE`): 4096 bytes on every architecture,
/// whatever the page size of the kernels involved.
public let xenPageByteCount = 4096
