import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct BackendScanTests {
  private typealias Reply = Result<XenStoreReply, XenStoreError>

  @Test func goesDownLevelByLevel() {
    var scan = BackendScan()
    #expect(
      BackendScan.firstOperations == [
        .list("backend/vbd"), .list("backend/qdisk"), .list("backend/vif"),
      ])
    let guests: [Reply] = [
      .success(.list(["2", "10"])), .success(.list(["2"])), .success(.list(["3"])),
    ]
    #expect(
      scan.accept(guests)
        == .next([
          .list("backend/vbd/2"), .list("backend/vbd/10"), .list("backend/qdisk/2"),
          .list("backend/vif/3"),
        ]))
    let devices: [Reply] = [
      .success(.list(["51728", "51712", "junk"])), .failure(.noEntry), .success(.list(["768"])),
      .success(.list(["0"])),
    ]
    guard case .finished(let leaves) = scan.accept(devices) else {
      Issue.record("not finished")
      return
    }
    #expect(
      leaves.map(\.description) == [
        "backend/qdisk/2/768", "backend/vbd/2/51712", "backend/vbd/2/51728",
        "backend/vif/3/0",
      ])
  }

  @Test func nothingThereIsAnEmptyList() {
    var scan = BackendScan()
    #expect(scan.accept([.failure(.noEntry), .failure(.noEntry)]) == .finished([]))
  }

  @Test func refusalIsAnEmptyList() {
    var scan = BackendScan()
    #expect(scan.accept([.failure(.accessDenied), .success(.done)]) == .finished([]))
  }
}
