import Glibc
import RingTransport
import SystemPackage
import Testing

@testable import DriverDomainInit

@Suite struct BackendProcessTests {
  private let leaf = BackendLeaf(
    kind: .virtualBlockDevice, frontendDomain: DomainIdentifier(rawValue: 2), device: 51712)

  private func command(_ program: String) -> BackendCommand {
    .block(program, leaf, Configuration())
  }

  private func wait(for process: pid_t) -> ProcessEnd {
    var status: Int32 = 0
    // SAFETY: the call writes the status only.
    while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {}
    return ProcessEnd(waitStatus: status)
  }

  /// A program that writes what it was given to its standard error.
  private func script(_ body: String, in directory: borrowing TemporaryDirectory) throws -> String {
    try directory.write("#!/bin/sh\n" + body, to: "backend")
    let path = directory.path + "/backend"
    // SAFETY: the string lives for the length of the call and ends in NUL.
    let result = unsafe chmod(path, 0o755)
    #expect(result == 0)
    return path
  }

  @Test func processHasItsOwnGroupAndNoDescriptorOfOurs() throws {
    let directory = try TemporaryDirectory()
    let secret = try FileDescriptor.open(FilePath("/dev/null"), .readOnly)
    // A number that the shell and its children do not come to by themselves.
    let leak = try secret.duplicate(as: FileDescriptor(rawValue: 200))
    defer {
      try? secret.close()
      try? leak.close()
    }
    try directory.write("", to: "log")
    let body = #"""
      echo "$@" >&2
      echo "group $(ps -o pgid= -p $$ | tr -d ' ') $$" >&2
      echo "descriptors" $(ls /proc/$$/fd) >&2
      echo "environment" $(tr '\0' ' ' < /proc/$$/environ) >&2
      exit 3
      """#
    let backend = BackendProcess(errorPath: directory.path + "/log")
    let process = try backend.start(command(try script(body, in: directory)))
    #expect(wait(for: process) == .exited(code: 3))
    let text = try #require(Files.text(of: directory.path + "/log"))
    #expect(text.contains("--path backend/vbd/2/51712 --log-level info"))
    #expect(text.contains("group \(process) \(process)"))
    let open = text.split(separator: "\n").first { $0.hasPrefix("descriptors") } ?? ""
    #expect(open.hasPrefix("descriptors 0 1 "))
    #expect(!open.contains("200"))
    #expect(text.contains("PATH=/bin"))
  }

  @Test(arguments: [BackendProcess.statusDescriptor, BackendProcess.ordersDescriptor])
  func passedDescriptorHasItsNumberAndNoOtherIsOpen(number: Int32) throws {
    let directory = try TemporaryDirectory()
    try directory.write("", to: "log")
    try directory.write("passed", to: "file")
    let path = directory.path
    let file = try FileDescriptor.open(FilePath(path + "/file"), .readOnly)
    defer { try? file.close() }
    let other: Int32 = 7 - number
    let body = """
      cat <&\(number) >&2
      if [ -e /proc/$$/fd/\(other) ]; then echo other >&2; fi
      """
    let command = command(try script(body, in: directory))
    let process = try BackendProcess(errorPath: path + "/log").start(
      command, passing: [.init(descriptor: file.rawValue, number: number)])
    #expect(wait(for: process) == .exited(code: 0))
    #expect(Files.text(of: path + "/log") == "passed")
  }

  /// Each has its number, whatever numbers they have here.
  @Test func twoDescriptorsArePassed() throws {
    let directory = try TemporaryDirectory()
    try directory.write("", to: "log")
    for name in ["one", "two"] { try directory.write(name, to: name) }
    let path = directory.path
    let one = try FileDescriptor.open(FilePath(path + "/one"), .readOnly)
    defer { try? one.close() }
    let two = try FileDescriptor.open(FilePath(path + "/two"), .readOnly)
    defer { try? two.close() }
    // By their names, as a shell may take numbers of one digit only.
    let body = [one, two].map { "cat /proc/self/fd/\($0.rawValue) >&2" }.joined(separator: "\n")
    let command = command(try script(body, in: directory))
    let process = try BackendProcess(errorPath: path + "/log").start(
      command,
      passing: [
        .init(descriptor: one.rawValue, number: two.rawValue),
        .init(descriptor: two.rawValue, number: one.rawValue),
      ])
    #expect(wait(for: process) == .exited(code: 0))
    #expect(Files.text(of: path + "/log") == "twoone")
  }

  @Test func deathBySignalIsTold() throws {
    let directory = try TemporaryDirectory()
    let command = command(try script("kill -9 $$", in: directory))
    #expect(wait(for: try BackendProcess().start(command)) == .killed(signal: SIGKILL))
  }

  @Test func missingProgramIsAnError() {
    #expect(throws: Errno.noSuchFileOrDirectory) {
      try BackendProcess().start(command("/nonexistent"))
    }
  }
}
