import CLinux
import Glibc
import RingTransport
import SystemPackage

/// What a backend has open before it enters its sandbox.
struct ProbeFixture: ~Copyable {
  /// Of disk 51712 of guest 5, which the tests know too.
  static let user = BackendUser(
    BackendLeaf(
      kind: .virtualBlockDevice, frontendDomain: DomainIdentifier(rawValue: 5), device: 51712)
  )

  let opener: Opener
  let wakeUp: WakeUp
  var loop: EventLoop
  let memory: PrivateMemory
  /// A file that was open before.
  let file: OwnedFileDescriptor

  init(opener: Opener) throws {
    let wakeUp = try WakeUp()
    let loop = try EventLoop(
      eventDescriptor: wakeUp.descriptor, xenStoreDescriptor: wakeUp.descriptor)
    let memory = try PrivateMemory(byteCount: 1 << 20)
    // SAFETY: the call reads the name to its end.
    let number = try systemCall { unsafe c_memfd_create("probe") }
    self.opener = opener
    self.wakeUp = wakeUp
    self.loop = loop
    self.memory = memory
    file = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }
}
