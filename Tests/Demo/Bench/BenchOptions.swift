/// The words behind `Demo bench`.
struct BenchOptions: Sendable {
  static let usage = """
    Demo bench [--jobs TEXT] [--pairs N] [--seconds N]
      --jobs TEXT   only jobs whose names contain the text: block, net, randread ...
      --pairs N     how often each job runs on each side, behind one time that warms up (5)
      --seconds N   how long it runs each time (4)
    """

  private(set) var jobs = ""
  private(set) var pairs = 5
  private(set) var seconds = 4

  /// - Returns: nil when the words are not understood.
  init?(_ words: some Sequence<String>) {
    var words = words.makeIterator()
    while let word = words.next() {
      guard let value = words.next() else { return nil }
      switch (word, Int(value)) {
      case ("--jobs", _): jobs = value
      case ("--pairs", let number?) where number > 0: pairs = number
      case ("--seconds", let number?) where number > 0: seconds = number
      default: return nil
      }
    }
  }

  /// Whether a job is asked for.
  func wants(_ name: String) -> Bool { jobs.isEmpty || name.contains(jobs) }

  /// Whether any job of a part is asked for, so that the part has to be set up.
  func wantsAny(of names: [String]) -> Bool { names.contains(where: wants) }
}
