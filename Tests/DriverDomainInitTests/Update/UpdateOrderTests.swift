import Testing

@testable import DriverDomainInit

@Suite struct UpdateOrderTests {
  @Test func fileOnAVolumeIsTaken() throws {
    let order = try UpdateOrder("/volumes/new/bb", .block, directories: ["/volumes"])
    #expect(order.file == "/volumes/new/bb")
    #expect(order.role == .block)
    #expect(try UpdateOrder("/anywhere", .network, directories: nil).file == "/anywhere")
  }

  @Test(arguments: [
    "", "bb", "/", "/volumes", "/volumes/", "/volumes//bb", "/volumes/../bin/sh", "/volumes/./bb",
    "/volumesX/bb", "/bin/sh", "/volumes/a/..", "/volumes/a\u{0}b",
  ])
  func everythingElseIsRefused(text: String) {
    #expect(throws: UpdateOrder.Refusal.self) {
      try UpdateOrder(text, .block, directories: ["/volumes"])
    }
  }
}
