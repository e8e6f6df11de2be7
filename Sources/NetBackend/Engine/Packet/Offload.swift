import RingTransport

/// What is left to be done to a packet, translated between the guest's words (`xen/io/netif.h`) and
/// Linux's (``VirtualNetworkHeader``).
///
/// The guest's words do not say where the checksum is; the headers are parsed to find out.
enum Offload {
  /// The smallest segment that a guest may ask for, in bytes: Linux's smallest
  /// (`TCP_MIN_GSO_SIZE`). A guest that asked for less would have one packet become tens of
  /// thousands.
  static let smallestSegmentByteCount = 8

  /// Where a packet from the guest is to be cut, in the guest's words: the numbers of
  /// ``NetExtraInfo/Content/segmentation(size:type:features:)``.
  struct SegmentationRequest: Hashable, Sendable, BitwiseCopyable {
    var size: UInt16
    var type: UInt8
  }

  /// Where a packet for the guest is to be cut.
  struct Segmentation: Hashable, Sendable, BitwiseCopyable {
    var byteCount: UInt16
    var type: NetSegmentationType

    /// As an extra of the packet.
    var extra: NetExtraInfo.Content {
      .segmentation(size: byteCount, type: type.rawValue, features: 0)
    }
  }

  /// What a guest said that it takes (`feature-sg`, `feature-gso-tcpv4`, ...).
  struct GuestFeatures: OptionSet, Hashable, Sendable, BitwiseCopyable {
    let rawValue: UInt8

    /// Packets of several slots.
    static let scatterGather = GuestFeatures(rawValue: 1 << 0)
    static let segmentationOverIPv4 = GuestFeatures(rawValue: 1 << 1)
    static let segmentationOverIPv6 = GuestFeatures(rawValue: 1 << 2)
    /// Packets over IPv4 whose transport checksum is unfinished.
    static let checksumOverIPv4 = GuestFeatures(rawValue: 1 << 3)
    /// The same over IPv6.
    static let checksumOverIPv6 = GuestFeatures(rawValue: 1 << 4)
  }

  /// How a packet is announced to the guest.
  struct Announcement: Hashable, Sendable, BitwiseCopyable {
    /// Of the packet's first slot.
    var flags: NetReceiveResponse.Flags = []
    var segmentation: Segmentation?
  }

  /// Translates what a guest says about its packet.
  ///
  /// - Parameter frame: the packet without its extras, in memory that the guest cannot change. Of a
  ///   packet that is to be segmented though its checksum is said to be finished, the checksum is
  ///   set back to the sum of the pseudo header: segments need it so, and there are frontends that
  ///   forget the flag (Linux's backend knows them too).
  /// - Throws: when what is to be done cannot be done. The packet is to be dropped.
  static func outgoing(
    _ frame: inout MutableRawSpan, flags: NetTransmitRequest.Flags,
    segmentation: SegmentationRequest?
  ) throws(OffloadRefusal) -> VirtualNetworkHeader {
    var header = VirtualNetworkHeader()
    let isBlank = flags.contains(.checksumBlank)
    guard isBlank || segmentation != nil else {
      if flags.contains(.dataValidated) { header.flags = .dataValid }
      return header
    }
    let headers = try parse(frame.bytes)
    guard let checksumOffset = headers.transport.checksumOffset else { throw .noChecksum }
    header.flags = .needsChecksum
    // An IP header and bounded extensions lie in front: far below 2^16.
    header.checksumStart = UInt16(headers.transportOffset)
    header.checksumOffset = UInt16(checksumOffset)
    guard let segmentation else { return header }
    guard Int(segmentation.size) >= smallestSegmentByteCount else {
      throw .segmentSize(segmentation.size)
    }
    guard let kind = kind(of: headers, ifNamed: segmentation.type) else {
      throw .segmentationType(segmentation.type)
    }
    if !isBlank { _ = InternetChecksum.storePseudoHeader(in: &frame, headers) }
    // What fits into one segment needs no cutting.
    guard frame.byteCount - headers.headerByteCount > Int(segmentation.size) else { return header }
    header.segmentation =
      reducesWindow(frame.bytes, headers) ? kind.withCongestionWindowReduced : kind
    header.segmentByteCount = segmentation.size
    header.headerByteCount = UInt16(headers.headerByteCount)
    return header
  }

  /// Translates what Linux says about a packet for the guest.
  ///
  /// - Parameters:
  ///   - frame: the packet without the header. The checksum is finished here when the guest does
  ///     not take it unfinished, or would look for it elsewhere.
  ///   - features: what the guest takes.
  /// - Throws: when the guest cannot be given the packet. Linux is told what the guest takes
  ///   (`TUNSETOFFLOAD`), so this is a packet from before it was told, or nonsense.
  static func incoming(
    _ frame: inout MutableRawSpan, header: VirtualNetworkHeader, features: GuestFeatures
  ) throws(OffloadRefusal) -> Announcement {
    guard frame.byteCount <= xenPageByteCount || features.contains(.scatterGather) else {
      throw .featureMissing
    }
    var announcement = Announcement()
    if header.segmentation != .none {
      announcement.segmentation = try segmentation(of: frame.bytes, header, features)
    }
    guard header.flags.contains(.needsChecksum) else {
      guard announcement.segmentation == nil else { throw .noChecksum }
      if header.flags.contains(.dataValid) { announcement.flags = .dataValidated }
      return announcement
    }
    if isFound(by: features, in: frame.bytes, header) {
      // No literal of several elements: an unoptimized build makes an array of it.
      announcement.flags = .checksumBlank
      announcement.flags.insert(.dataValidated)
      return announcement
    }
    // The checksum of a packet to be segmented belongs to no packet.
    guard announcement.segmentation == nil else { throw .featureMissing }
    guard
      InternetChecksum.finish(
        in: &frame, start: Int(header.checksumStart), offset: Int(header.checksumOffset))
    else { throw .noChecksum }
    return announcement
  }

  // MARK: Helpers

  private static func parse(_ frame: RawSpan) throws(OffloadRefusal) -> FrameHeaders {
    do throws(FrameError) { return try FrameHeaders(frame) } catch { throw .headers(error) }
  }

  /// The kind of segmentation that a packet can have, if it is the one that the guest names.
  private static func kind(
    of headers: FrameHeaders, ifNamed type: UInt8
  ) -> VirtualNetworkHeader.Segmentation? {
    guard headers.transport == .tcp else { return nil }
    return switch (headers.network, NetSegmentationType(rawValue: type)) {
    case (.ipv4, .tcpOverIPv4?): .tcpOverIPv4
    case (.ipv6, .tcpOverIPv6?): .tcpOverIPv6
    default: nil
    }
  }

  /// Whether the TCP header says "congestion window reduced".
  private static func reducesWindow(_ frame: RawSpan, _ headers: FrameHeaders) -> Bool {
    frame.load(UInt8.self, at: headers.transportOffset + 13) & 0x80 != 0
  }

  /// What to tell a guest about a packet that Linux wants segmented; nil when it fits into one
  /// segment.
  private static func segmentation(
    of frame: RawSpan, _ header: VirtualNetworkHeader, _ features: GuestFeatures
  ) throws(OffloadRefusal) -> Segmentation? {
    let wanted: (type: NetSegmentationType, feature: GuestFeatures)
    switch header.segmentation.kind {
    case .tcpOverIPv4: wanted = (.tcpOverIPv4, .segmentationOverIPv4)
    case .tcpOverIPv6: wanted = (.tcpOverIPv6, .segmentationOverIPv6)
    default: throw .segmentationType(header.segmentation.rawValue)
    }
    guard features.contains(wanted.feature), features.contains(.scatterGather) else {
      throw .featureMissing
    }
    guard header.segmentByteCount > 0 else { throw .segmentSize(0) }
    let headers = try parse(frame)
    guard kind(of: headers, ifNamed: wanted.type.rawValue) != nil else {
      throw .segmentationType(header.segmentation.rawValue)
    }
    guard frame.byteCount - headers.headerByteCount > Int(header.segmentByteCount) else {
      return nil
    }
    return Segmentation(byteCount: header.segmentByteCount, type: wanted.type)
  }

  /// Whether the guest takes an unfinished checksum, and will find it where Linux says that it is:
  /// the guest parses the headers too, and knows TCP and UDP.
  private static func isFound(
    by features: GuestFeatures, in frame: RawSpan, _ header: VirtualNetworkHeader
  ) -> Bool {
    guard let headers = try? FrameHeaders(frame),
      let offset = headers.transport.checksumOffset,
      headers.transportOffset == Int(header.checksumStart), offset == Int(header.checksumOffset)
    else { return false }
    return switch headers.network {
    case .ipv4: features.contains(.checksumOverIPv4)
    case .ipv6: features.contains(.checksumOverIPv6)
    case .other: false
    }
  }
}

/// Why a packet cannot go on.
enum OffloadRefusal: Error, Hashable, Sendable {
  /// It has no headers that could be understood.
  case headers(FrameError)
  /// Its checksum is unfinished, but it is neither TCP nor UDP, a fragment, or too short.
  case noChecksum
  /// It is to be cut into segments of no size.
  case segmentSize(UInt16)
  /// It is to be segmented as what it is not; the number is that of the side that said so.
  case segmentationType(UInt8)
  /// The guest does not take such packets.
  case featureMissing
}
