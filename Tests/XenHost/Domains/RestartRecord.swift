/// The death of a driver domain as a guest saw it, and its parts, in microseconds.
public struct RestartRecord: Sendable {
  /// Which domain died.
  public let domain: String
  /// How.
  public let death: DomainDeath
  /// What Dom0 has noted of it.
  public let times: DomainRestart
  /// What the guest saw of it; nil where no pause belongs to this death.
  public let pause: GuestPause?

  /// - Parameter pauses: all that the guest saw.
  public init(domain: String, death: DomainDeath, times: DomainRestart, pauses: [GuestPause]) {
    self.domain = domain
    self.death = death
    self.times = times
    pause = pauses.filter {
      $0.end > Double(times.struckAt) && $0.start < Double(times.servedAt)
    }.max { $0.microseconds < $1.microseconds }
  }

  /// What the guest waited for after the domain served.
  private var adopt: Int? { pause.map { Int($0.end) - times.servedAt } }

  /// What the guest's pause consists of, one after the other: `notice` begins with the guest's last
  /// sign of life, so the parts add up to the pause. Nil without a pause.
  public var partsOfPause: [(name: String, microseconds: Int)]? {
    guard let pause, let adopt else { return nil }
    return [("notice", times.noticedAt - Int(pause.start))]
      + DomainRestart.parts.map { ($0, times.part($0) ?? 0) } + [("adopt", adopt)]
  }

  /// A line of JSON; here `notice` begins with the blow, and null stands for what is not known.
  public var json: String {
    let parts = [("notice", times.notice)] + DomainRestart.parts.map { ($0, times.part($0) ?? 0) }
    let fields =
      parts.map { "\"\($0)\": \($1)" } + [
        "\"adopt\": \(adopt.map { "\($0)" } ?? "null")",
        "\"guest_pause\": \(pause.map { "\(Int($0.microseconds))" } ?? "null")",
      ]
    return "{\"domain\": \"\(domain)\", \"death\": \"\(death.rawValue)\", "
      + fields.joined(separator: ", ") + "}"
  }
}
