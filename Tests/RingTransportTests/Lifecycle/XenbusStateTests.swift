import CXen
import RingTransport
import Testing

@Suite struct XenbusStateTests {
  @Test func statesAreThoseOfTheHeader() {
    #expect(RingTransport.XenbusState.unknown.rawValue == Int(XenbusStateUnknown.rawValue))
    #expect(RingTransport.XenbusState.initWait.rawValue == Int(XenbusStateInitWait.rawValue))
    #expect(RingTransport.XenbusState.closed.rawValue == Int(XenbusStateClosed.rawValue))
    #expect(
      RingTransport.XenbusState.reconfigured.rawValue == Int(XenbusStateReconfigured.rawValue))
    let nonsense = ["", "9", "99", "-1", "four", "4 ", "\u{FFFD}", "99999999999999999999"]
    for text in nonsense { #expect(RingTransport.XenbusState(text: text) == .unknown) }
    #expect(RingTransport.XenbusState(text: "4") == .connected)
  }
}
