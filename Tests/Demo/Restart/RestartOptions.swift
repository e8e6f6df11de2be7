/// The words behind `Demo restart`.
struct RestartOptions: Sendable {
  static let usage = """
    Demo restart [--deaths N] [--rounds N] [--domain-deaths N]
      --deaths N         deaths of each kind of backend, for the gaps (220); 0 leaves them out
      --rounds N         how often each throughput is measured, with backends that die (3)
      --domain-deaths N  deaths of each kind of driver domain (10); 0 leaves them out
    """

  /// Deaths of each kind of backend.
  private(set) var deaths = 220
  /// How often each throughput is measured.
  private(set) var rounds = 3
  /// Deaths of each kind of driver domain.
  private(set) var domainDeaths = 10

  /// - Returns: nil when the words are not understood.
  init?(_ words: some Sequence<String>) {
    var words = words.makeIterator()
    while let word = words.next() {
      guard let number = words.next().flatMap({ Int($0) }), number >= 0 else { return nil }
      switch word {
      case "--deaths": deaths = number
      case "--rounds": rounds = number
      case "--domain-deaths": domainDeaths = number
      default: return nil
      }
    }
  }
}
