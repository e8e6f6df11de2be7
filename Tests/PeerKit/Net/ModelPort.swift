import SimulatedXen

/// A network in memory: keeps what is sent, and holds frames until somebody takes them.
///
/// Knows no type of a backend. Every frame has Linux's `struct virtio_net_hdr` in front
/// (``PortHeader``).
package final class ModelPort {
  /// In so many of a hundred cases, a frame is not taken.
  package var refusalPercent = 0
  /// What came, header and frame.
  package private(set) var sent: [[UInt8]] = []
  /// What waits, header and frame.
  package private(set) var waiting: [[UInt8]] = []
  /// Called before a frame is taken out.
  package var beforeTake: (() -> Void)?
  /// Frames that were taken out.
  package private(set) var takenCount = 0
  /// Frames that were refused, as their places among all that came.
  package private(set) var refusedCount = 0
  private var generator: SeededGenerator

  /// An empty network.
  package init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
  }

  /// Takes a frame.
  ///
  /// - Returns: false when it was refused.
  package func send(_ bytes: [UInt8]) -> Bool {
    if generator.chance(percent: refusalPercent) {
      refusedCount += 1
      return false
    }
    sent.append(bytes)
    return true
  }

  /// Lets a frame wait.
  package func put(_ header: PortHeader, _ frame: [UInt8]) {
    waiting.append(header.encoded + frame)
  }

  /// Lets bytes wait that may be no header and frame.
  package func put(raw bytes: [UInt8]) {
    waiting.append(bytes)
  }

  /// Takes the next frame out, cut to the room there is, as a TAP device does it.
  package func take(room: Int) -> [UInt8]? {
    guard !waiting.isEmpty else { return nil }
    beforeTake?()
    takenCount += 1
    return Array(waiting.removeFirst().prefix(room))
  }

  /// Lets frames wait as at an earlier moment.
  package func rewind(to waiting: [[UInt8]]) {
    self.waiting = waiting
  }

  /// Forgets what was sent.
  package func forgetSent() {
    sent = []
  }
}

/// `struct virtio_net_hdr` of `linux/virtio_net.h`: flags 0, GSO type 1, header length 2, GSO size
/// 4, start 6 and offset 8 of the checksum.
package struct PortHeader: Hashable, Sendable {
  /// `VIRTIO_NET_HDR_F_NEEDS_CSUM` 1, `VIRTIO_NET_HDR_F_DATA_VALID` 2.
  package var flags: UInt8 = 0
  /// `VIRTIO_NET_HDR_GSO_*`: 0 none, 1 TCPv4, 4 TCPv6.
  package var segmentation: UInt8 = 0
  package var headerByteCount: UInt16 = 0
  package var segmentByteCount: UInt16 = 0
  package var checksumStart: UInt16 = 0
  package var checksumOffset: UInt16 = 0

  /// Says nothing of the frame.
  package init() {}

  /// What Linux says of a frame.
  package init(_ frame: FrameBuilder.Frame) {
    switch frame.packet.checksum {
    case .unknown: break
    case .validated: flags = 2
    case .blank:
      flags = 1
      checksumStart = UInt16(frame.transportOffset ?? 0)
      checksumOffset = UInt16(frame.checksumOffset ?? 0)
    }
    if let wanted = frame.packet.segmentation {
      segmentation = wanted.isVersion6 ? 4 : 1
      segmentByteCount = wanted.byteCount
      headerByteCount = UInt16(frame.headerByteCount)
    }
  }

  /// As it stands in front of a frame.
  package var encoded: [UInt8] {
    var bytes = [flags, segmentation]
    for word in [headerByteCount, segmentByteCount, checksumStart, checksumOffset] {
      bytes += [UInt8(truncatingIfNeeded: word), UInt8(truncatingIfNeeded: word >> 8)]
    }
    return bytes
  }
}
