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
  /// In the event channel device's place: nothing is to be read, and nobody has hung up.
  private let events: OwnedFileDescriptor
  private let otherEnd: OwnedFileDescriptor

  init(opener: Opener) throws {
    let wakeUp = try WakeUp()
    var pair: [Int32] = [-1, -1]
    // SAFETY: two numbers of ours, which the call fills in.
    try systemCall { unsafe pipe(&pair) }
    let events = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: pair[0]))
    let otherEnd = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: pair[1]))
    let loop = try EventLoop(eventDescriptor: pair[0], xenStoreDescriptor: wakeUp.descriptor)
    let memory = try PrivateMemory(byteCount: 1 << 20)
    // SAFETY: the call reads the name to its end.
    let number = try systemCall { unsafe c_memfd_create("probe") }
    self.opener = opener
    self.events = events
    self.otherEnd = otherEnd
    self.wakeUp = wakeUp
    self.loop = loop
    self.memory = memory
    file = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: number))
  }
}
