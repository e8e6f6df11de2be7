import Glibc
import SystemPackage
import Testing

@testable import DriverDomainInit

@Suite struct ProgramFileTests {
  private func text(_ path: String) -> String? { Files.text(of: path) }

  @Test func programIsCopiedWholeAndRuns() throws {
    let directory = try TemporaryDirectory()
    try directory.write("old", to: "program")
    let file = ProgramFile(path: directory.path + "/program")
    // What an earlier try left is no obstacle.
    try directory.write("left", to: "program.new")
    try file.copyNew(from: Self.realPath("/bin/true"))
    let size = try #require(Files.byteCount(of: Self.realPath("/bin/true")))
    #expect(Files.byteCount(of: file.new) == size)
    let process = try BackendProcess().start(BackendCommand(file.new, ["--version"]))
    var status: Int32 = 0
    // SAFETY: the call writes the status only.
    while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {}
    #expect(ProcessEnd(waitStatus: status) == .exited(code: 0))
    #expect(text(file.path) == "old")
  }

  @Test func namesChangeHandsAndBack() throws {
    let directory = try TemporaryDirectory()
    try directory.write("one", to: "program")
    try directory.write("two", to: "program.new")
    try directory.write("left", to: "program.old")
    let file = ProgramFile(path: directory.path + "/program")
    try file.activate()
    #expect(text(file.path) == "two")
    #expect(text(file.old) == "one")
    #expect(!Files.exists(file.new))
    try file.revert()
    #expect(text(file.path) == "one")
    file.clean()
    #expect(Files.names(in: directory.path) == ["program"])
  }

  @Test func whatIsNoProgramIsRefused() throws {
    let directory = try TemporaryDirectory()
    let file = ProgramFile(path: directory.path + "/program")
    try directory.write("#!/bin/sh", to: "script")
    #expect(throws: Errno.execFormatError) {
      try file.copyNew(from: directory.path + "/script")
    }
    #expect(throws: Errno.invalidArgument) { try file.copyNew(from: directory.path) }
    #expect(throws: Errno.noSuchFileOrDirectory) { try file.copyNew(from: "/nonexistent") }
    try Files.link(directory.path + "/link", to: Self.realPath("/bin/true"))
    #expect(throws: Errno.tooManySymbolicLinkLevels) {
      try file.copyNew(from: directory.path + "/link")
    }
    let pipe = directory.path + "/pipe"
    // SAFETY: the string lives for the length of the call and ends in NUL.
    let made = unsafe mkfifo(pipe, 0o600)
    #expect(made == 0)
    #expect(throws: Errno.invalidArgument) { try file.copyNew(from: pipe) }
    let large = directory.path + "/large"
    try directory.write([0x7F, 0x45, 0x4C, 0x46], to: "large")
    // SAFETY: as above.
    let grown = unsafe truncate(large, off_t(ProgramFile.byteCountMax) + 1)
    #expect(grown == 0)
    #expect(throws: Errno.fileTooLarge) { try file.copyNew(from: large) }
    #expect(!Files.exists(file.new))
  }

  /// Without links.
  private static func realPath(_ path: String) -> String {
    // SAFETY: the result is ours, and freed once.
    guard let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}
