import Glibc
import RingTransport
import SystemPackage
import Testing

/// The client over a real socket, against bytes written out by hand: what the wire format is must
/// not be decided by our own encoder.
@Suite struct XenStoreSocketTests {
  @Test func readsOverASocketWithAWatchEventInFrontOfTheReply() throws {
    let server = try RawServer()
    var client = XenStoreClient(XenStoreSocketTransport(adopting: server.clientEnd()))
    let batch = client.submit([.read("a/b"), .watch("a", token: "t")])
    #expect(
      try server.receive(count: 16 + 4 + 16 + 4) == [
        2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0x61, 0x2F, 0x62, 0,
        4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0x61, 0, 0x74, 0,
      ])
    try server.send([15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0x61, 0, 0x74, 0])
    // The watch's reply overtakes the read's, as the xenbus device has it.
    try server.send([4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0x4F, 0x4B, 0])
    try server.send([2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x37])
    try client.process()
    let events = [client.nextEvent(), client.nextEvent(), client.nextEvent()]
    let results: [Result<XenStoreReply, XenStoreError>] = [.success(.value("7")), .success(.done)]
    #expect(events == [.watch(path: "a", token: "t"), .completed(batch, results), nil])
    let wantsToWrite = client.wantsToWrite
    #expect(!wantsToWrite)
  }

  @Test func aServerThatGoesAwayIsAFailureAndStaysOne() throws {
    let server = try RawServer()
    var client = XenStoreClient(XenStoreSocketTransport(adopting: server.clientEnd()))
    try server.close()
    #expect(throws: XenStoreFailure.closed) { try client.process() }
    #expect(throws: XenStoreFailure.closed) { try client.process() }
  }

  @Test func performTimesOutWithoutAnAnswerAndTheClientStaysUsable() throws {
    let server = try RawServer()
    var client = XenStoreClient(XenStoreSocketTransport(adopting: server.clientEnd()))
    #expect(throws: XenStoreFailure.timedOut) {
      try client.perform([.read("a")], timeoutMilliseconds: 20)
    }
    try server.send([2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x37])
    try server.send([16, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0])
    try server.send(Array("ENOENT\0".utf8))
    let results = try client.perform([.read("b")], timeoutMilliseconds: 1000)
    #expect(results == [.failure(.noEntry)])
    let event = client.nextEvent()
    #expect(event == nil)
  }

  @Test func connectingToNothingSaysWhy() {
    #expect(throws: Errno.noSuchFileOrDirectory) {
      _ = try XenStoreSocketTransport(path: "/nowhere/socket")
    }
    #expect(throws: Errno.fileNameTooLong) {
      _ = try XenStoreSocketTransport(path: "/" + String(repeating: "x", count: 200))
    }
    #expect(throws: Errno.noSuchFileOrDirectory) {
      _ = try XenStoreDeviceTransport(path: "/nowhere/xenbus")
    }
    #expect(throws: Errno.noSuchFileOrDirectory) {
      _ = try XenStoreConnection(socket: "/nowhere/socket")
    }
  }

  @Test func aConnectionIsTheTransportThatItStandsFor() throws {
    let server = try RawServer()
    let socket = XenStoreConnection.socket(XenStoreSocketTransport(adopting: server.clientEnd()))
    let (requestCount, answersWithErrors) =
      (socket.requestsInFlightMax, socket.answersWithWriteErrors)
    #expect(requestCount == 16 && !answersWithErrors)
    var client = XenStoreClient(socket)
    try server.send([2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x37])
    let results = try client.perform([.read("a")], timeoutMilliseconds: 1000)
    #expect(results == [.success(.value("7"))])
    _ = try server.receive(count: 16 + 2)
    try server.close()
    // What the transport has to say of a write comes through.
    #expect(throws: XenStoreFailure.transport(.brokenPipe)) {
      try client.perform([.read("a")], timeoutMilliseconds: 1000)
    }
  }
}

/// The server's end of a socket, with bytes in and out as they are.
private struct RawServer: ~Copyable {
  private let own: OwnedFileDescriptor
  private let clientNumber: Int32

  init() throws {
    var numbers: [Int32] = [0, 0]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    // SAFETY: two numbers, which socketpair(2) fills in before it returns.
    try systemCall { unsafe socketpair(AF_UNIX, kind, 0, &numbers) }
    own = OwnedFileDescriptor(adopting: FileDescriptor(rawValue: numbers[0]))
    clientNumber = numbers[1]
  }

  /// The other end, once.
  func clientEnd() -> OwnedFileDescriptor {
    OwnedFileDescriptor(adopting: FileDescriptor(rawValue: clientNumber))
  }

  func send(_ bytes: [UInt8]) throws {
    _ = try FileDescriptor(rawValue: own.rawValue).writeAll(bytes)
  }

  func receive(count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count + 1)
    let descriptor = FileDescriptor(rawValue: own.rawValue)
    // SAFETY: read(2) fills the array in place before it returns.
    let byteCount = try unsafe bytes.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
    return Array(bytes[..<byteCount])
  }

  consuming func close() throws {
    try own.close()
  }
}
