import RingTransport
import Testing

@testable import DriverDomainInit

@Suite struct StatisticsReportTests {
  private func leaf(_ device: UInt32) -> BackendLeaf {
    BackendLeaf(
      kind: .virtualBlockDevice, frontendDomain: DomainIdentifier(rawValue: 2), device: device)
  }

  @Test func theAnswerNamesTheQuestion() throws {
    let sums = [leaf(51712): [UInt64](repeating: 3, count: 16)]
    let report = try #require(StatisticsReport(question: "12-34", sums: sums))
    #expect(
      report.nodes == [
        "reported": "12-34", "statistics/vbd-2-51712": "3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3",
      ])
    var status = DomainStatus()
    status.report = report
    #expect(status.nodes["data/driver-domain/reported"] == "12-34")
    #expect(status.nodes["data/driver-domain/statistics/vbd-2-51712"] != nil)
  }

  @Test func noQuestionHasNoAnswer() {
    #expect(StatisticsReport(question: "", sums: [:]) == nil)
    #expect(StatisticsReport(question: String(repeating: "x", count: 65), sums: [:]) == nil)
  }

  @Test func nodesAreBounded() throws {
    let sums = Dictionary(uniqueKeysWithValues: (0..<200).map { (leaf($0), [UInt64(1)]) })
    let report = try #require(StatisticsReport(question: "q", sums: sums))
    #expect(report.nodes.count == StatisticsReport.deviceCountMax + 1)
  }
}
