import CPcap
import Foundation
import RingTransport
import SimulatedXen
import SystemPackage
import Testing

@testable import NetBackend

/// Files, as libpcap reads them back.
struct PacketCaptureTests {
  @Test func roundTrip() throws {
    try withDirectory { directory in
      var generator = SeededGenerator(seed: 1)
      let frames = (0..<50).map { _ in
        [UInt8].random(Int.random(in: 14...200, using: &generator), &generator)
      }
      let path = directory + "/vif.pcap"
      do {
        var capture = try PacketCapture(path: path, snapByteCount: 100, limitByteCount: 1 << 20)
        for (number, frame) in frames.enumerated() {
          capture.write(unsafe frame.span.bytes, timeMicroseconds: 3_000_000_007 + Int64(number))
        }
        let missedCount = capture.missedCount
        #expect(missedCount == 0)
        capture.flush()
        let byteCount = capture.byteCount
        #expect(byteCount == size(of: path))
      }
      let records = try read(path)
      #expect(records.count == frames.count)
      for (number, record) in records.enumerated() {
        #expect(record.bytes == Array(frames[number].prefix(100)))
        #expect(record.length == frames[number].count)
        #expect(record.seconds == 3000)
        #expect(record.microseconds == 7 + number)
      }
    }
  }

  @Test func sizeIsLimited() throws {
    try withDirectory { directory in
      let path = directory + "/vif.pcap"
      let frame = [UInt8](repeating: 7, count: 100)
      do {
        // Header, then three records of 16 + 100 bytes, and no room for a fourth.
        var capture = try PacketCapture(
          path: path, snapByteCount: 65_535, limitByteCount: 24 + 4 * 116 - 1)
        for _ in 0..<5 { capture.write(unsafe frame.span.bytes, timeMicroseconds: 0) }
        let missedCount = capture.missedCount
        #expect(missedCount == 2)
        let hasFailed = capture.hasFailed
        #expect(!hasFailed)
      }
      #expect(size(of: path) == 24 + 3 * 116)
      #expect(try read(path).count == 3)
    }
  }

  /// A file that is there is left alone, and so is what a link points to.
  @Test func otherFilesAreLeftAlone() throws {
    try withDirectory { directory in
      let path = directory + "/vif.pcap"
      let other = directory + "/other"
      try "precious".write(toFile: other, atomically: true, encoding: .utf8)
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
      do {
        _ = try PacketCapture(path: path, snapByteCount: 1, limitByteCount: 1000)
        _ = try PacketCapture(path: path, snapByteCount: 1, limitByteCount: 1000)
      }
      #expect(try String(contentsOfFile: other, encoding: .utf8) == "precious")
      #expect(size(of: path + ".1") == 24)
      #expect(size(of: path + ".2") == 24)
    }
  }

  @Test func placesThatCannotBe() {
    #expect(throws: Errno.noSuchFileOrDirectory) {
      _ = try PacketCapture(
        path: "/nonexistent/vif.pcap", snapByteCount: 1, limitByteCount: 1000)
    }
  }

  /// A full device stops the capture, not the guest.
  @Test func writesThatFail() throws {
    try withDirectory { directory in
      let path = directory + "/vif.pcap"
      var capture = try PacketCapture(path: path, snapByteCount: 65_535, limitByteCount: 1 << 30)
      var limit = rlimit()
      let frame = [UInt8](repeating: 7, count: 65_535)
      // SAFETY: the structures are ours.
      signal(SIGXFSZ, SIG_IGN)
      unsafe getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let old = limit
      limit.rlim_cur = 100_000
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      for _ in 0..<4 { capture.write(unsafe frame.span.bytes, timeMicroseconds: 0) }
      limit = old
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let hasFailed = capture.hasFailed
      #expect(hasFailed)
      let missedCount = capture.missedCount
      #expect(missedCount > 0)
    }
  }

  // MARK: Helpers

  private struct Record {
    var bytes: [UInt8]
    var length: Int
    var seconds: Int
    var microseconds: Int
  }

  private func read(_ path: String) throws -> [Record] {
    var message = [CChar](repeating: 0, count: 256)
    let session = unsafe pcap_open_offline(path, &message)
    let open = unsafe try #require(session)
    defer { unsafe pcap_close(open) }
    #expect(unsafe pcap_datalink(open) == DLT_EN10MB)
    var records: [Record] = []
    var header = pcap_pkthdr()
    while let bytes = unsafe pcap_next(open, &header) {
      let data = unsafe UnsafeBufferPointer(start: bytes, count: Int(header.caplen))
      records.append(
        Record(
          bytes: unsafe Array(data), length: Int(header.len), seconds: header.ts.tv_sec,
          microseconds: header.ts.tv_usec))
    }
    return records
  }

  private func size(of path: String) -> UInt64? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.size] as? UInt64
  }

  private func withDirectory(_ body: (String) throws -> Void) throws {
    let directory = NSTemporaryDirectory() + "capture-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try body(directory)
  }
}
