import Testing

@testable import DriverDomainInit

@Suite struct ModulesTests {
  @Test func orderThenExtrasWithoutRepetition() throws {
    let directory = try TemporaryDirectory()
    try directory.write("# comment\na.ko\n\nb.ko\n", to: "order")
    try directory.write("a.ko\nlib.ko\nxfs.ko\n", to: "extra.xfs")
    try directory.write("lib.ko\nvirtio_scsi.ko\n", to: "extra.virtio_scsi")
    let modules = Modules(directory: directory.path)
    #expect(modules.files(extra: []).files == ["a.ko", "b.ko"])
    let (files, missing) = modules.files(
      extra: ["virtio-scsi", "nothing"], filesystems: ["ext4", "xfs"])
    #expect(files == ["a.ko", "b.ko", "lib.ko", "virtio_scsi.ko", "xfs.ko"])
    #expect(missing == ["nothing"])
  }

  @Test func filesThatCannotBeLoadedAreReportedAndLeave() throws {
    let directory = try TemporaryDirectory()
    try directory.write("missing.ko\n", to: "order")
    let modules = Modules(directory: directory.path)
    let problems = modules.load(extra: ["absent"], filesystems: [])
    #expect(problems.count == 2)
    modules.discard()
    #expect(Files.names(in: directory.path).isEmpty)
  }

  @Test func imageWithoutModulesIsFine() {
    #expect(Modules(directory: "/nonexistent").load(extra: [], filesystems: ["ext4"]).isEmpty)
  }
}
