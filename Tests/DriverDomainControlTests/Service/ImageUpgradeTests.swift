import Foundation
import Testing

@testable import DriverDomainControl

@Suite final class ImageUpgradeTests {
  let directory = NSTemporaryDirectory() + "/upgrade-\(UUID().uuidString)"
  let upgrade: ImageUpgrade

  init() throws {
    upgrade = ImageUpgrade(files: ["\(directory)/live/kernel", "\(directory)/live/ramdisk"])
    for (folder, text) in [("live", "old"), ("new", "new")] {
      try FileManager.default.createDirectory(
        atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
      for name in ["kernel", "ramdisk"] {
        try text.write(toFile: "\(directory)/\(folder)/\(name)", atomically: true, encoding: .utf8)
      }
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  private func live() throws -> [String] {
    try upgrade.files.map { try String(contentsOfFile: $0, encoding: .utf8) }
  }

  @Test func newFilesTakeThePlacesAndGoBack() throws {
    try upgrade.prepare(from: "\(directory)/new")
    #expect(try live() == ["old", "old"])
    try upgrade.install()
    #expect(try live() == ["new", "new"])
    try upgrade.rollBack()
    #expect(try live() == ["old", "old"])
  }

  /// A keeper may die between any two of these and the next one repeats them.
  @Test func everyStepCanBeRepeated() throws {
    try upgrade.prepare(from: "\(directory)/new")
    try upgrade.prepare(from: "\(directory)/new")
    try upgrade.install()
    try upgrade.install()
    #expect(try live() == ["new", "new"])
    try upgrade.rollBack()
    try upgrade.rollBack()
    #expect(try live() == ["old", "old"])
  }

  @Test func aMissingFileChangesNothing() throws {
    try FileManager.default.removeItem(atPath: "\(directory)/new/ramdisk")
    #expect(throws: KeeperError.self) { try upgrade.prepare(from: "\(directory)/new") }
    #expect(try live() == ["old", "old"])
  }

  @Test func withoutFilesThereIsNoUpgrade() {
    #expect(throws: KeeperError.self) { try ImageUpgrade(files: []).prepare(from: directory) }
  }
}
