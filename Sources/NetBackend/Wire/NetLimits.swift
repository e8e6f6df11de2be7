/// The protocol's numbers (`xen/io/netif.h`), and the bounds that we put on what a guest may ask.
enum NetLimits {
  /// Size of a slot of the transmit ring, in bytes: that of a request.
  static let transmitSlotByteCount = 12
  /// Size of a slot of the receive ring, in bytes.
  static let receiveSlotByteCount = 8
  /// Size of a slot of the control ring, in bytes: that of a request.
  static let controlSlotByteCount = 16
  /// Slots of a transmit or receive ring. Each is one page.
  static let ringSlotCount = 256
  /// Slots of a control ring.
  static let controlRingSlotCount = 128

  /// Slots that a packet may always have (`XEN_NETIF_NR_SLOTS_MIN`); a frontend that keeps to the
  /// protocol sends no more.
  static let packetSlotCount = 18
  /// Slots beyond which a frontend is taken for hostile (Linux's `fatal_skb_slots_default`). Old
  /// kernels send up to 19; a packet between the two numbers is dropped, and the guest lives.
  static let fatalPacketSlotCount = 20
  /// Extra slots of a packet. Each type may occur once, and there are five; more is a loop of
  /// ``NetExtraInfo/hasMore``.
  static let extraSlotCount = 5
  /// Size of the largest packet in bytes (`XEN_NETIF_MAX_TX_SIZE`).
  static let packetByteCount = 0xffff
  /// Size of the smallest: an Ethernet header without payload.
  static let smallestPacketByteCount = 14
  /// What Linux's kernel takes at most as room in front of received data
  /// (`XEN_NETIF_MAX_XDP_HEADROOM`), in bytes.
  static let expressDataPathHeadroomByteCount = 0x7fff

  /// Multicast addresses that a guest may add; as Linux's backend
  /// (`XEN_NETBK_MCAST_MAX`).
  static let multicastAddressCount = 64
  /// Size of the largest hash key in bytes; as Linux's backend (`XEN_NETBK_MAX_HASH_KEY_SIZE`), and
  /// as much as an IPv6 address pair with ports needs.
  static let hashKeyByteCount = 40
  /// Entries of the largest hash mapping; as Linux's backend (`XEN_NETBK_MAX_HASH_MAPPING_SIZE`).
  static let hashMappingEntryCount = 128
}
