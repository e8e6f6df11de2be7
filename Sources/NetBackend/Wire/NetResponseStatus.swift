/// A response's status (`NETIF_RSP_*`). A received packet's slot has its size in this place.
enum NetResponseStatus: Int16, Sendable {
  case okay = 0
  /// The answer to a slot that held a ``NetExtraInfo``.
  case null = 1
  case error = -1
  case dropped = -2
}
