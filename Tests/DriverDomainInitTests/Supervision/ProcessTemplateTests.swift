import Glibc
import RingTransport
import SystemPackage
import Testing

@testable import DriverDomainInit

/// Real programs as templates. Their spares end early, for there is no Xen here; that they come
/// into being, and whose children they are, is what counts.
@Suite struct ProcessTemplateTests {
  @Test(arguments: ["block-backend", "net-backend"])
  func copiesAreChildrenOfWhoeverStartedTheTemplate(program: String) throws {
    let directory = try TemporaryDirectory()
    try directory.write("", to: "log")
    let (template, process) = try start(program, errorPath: directory.path + "/log")
    for _ in 1...3 {
      var theirs: OwnedFileDescriptor?
      let orders = try OrderSocket(spare: &theirs)
      let number = theirs?.rawValue ?? -1
      let copy = try waitForSpare(of: template, orders: number)
      #expect(copy != process)
      // Only a parent can wait for it, and only in a group of its own it can be ended by number.
      var status: Int32 = 0
      // SAFETY: an integer of ours, for the time of the call.
      let ended = unsafe waitpid(-copy, &status, 0)
      #expect(ended == copy)
      #expect(status == 1 << 8)
      _ = orders.descriptor
    }
    let log = Files.text(of: directory.path + "/log", limit: 65536) ?? ""
    #expect(log.split(separator: "cannot go on").count == 4, "\(log)")
    kill(process, SIGKILL)
    #expect(waitpid(process, nil, 0) == process)
  }

  @Test func theEndOfATemplateIsSeen() throws {
    let (template, process) = try start("block-backend", errorPath: "/dev/null")
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
    #expect(throws: Errno.self) {
      while try template.makeSpare(orders: 0) == nil {}
    }
  }

  @Test func aTemplateEndsWithInit() throws {
    var process: pid_t = 0
    do {
      let template: ProcessTemplate
      (template, process) = try start("net-backend", errorPath: "/dev/null")
      var theirs: OwnedFileDescriptor?
      let orders = try OrderSocket(spare: &theirs)
      _ = try waitForSpare(of: template, orders: theirs?.rawValue ?? -1)
      _ = orders.descriptor
    }
    var status: Int32 = 0
    // SAFETY: an integer of ours, for the time of the call.
    let ended = unsafe waitpid(process, &status, 0)
    #expect(ended == process)
    #expect(status == 0)
  }

  /// Without a sandbox, so that the tests need no rights.
  private func start(
    _ program: String, errorPath: String
  ) throws -> (ProcessTemplate, pid_t) {
    var command = BackendCommand.waiting(
      InitDaemon.built(program), as: .template, Configuration())
    command.arguments += ["--sandbox", "off", "--xenstore", "/nonexistent"]
    var theirs: OwnedFileDescriptor?
    let socket = try TemplateSocket(template: &theirs)
    let number = theirs?.rawValue ?? -1
    let process = try BackendProcess(errorPath: errorPath).start(
      command, passing: [.init(descriptor: number, number: BackendProcess.ordersDescriptor)])
    return (ProcessTemplate(process: process, socket), process)
  }

  private func waitForSpare(of template: ProcessTemplate, orders: Int32) throws -> Int32 {
    let deadline = MonotonicClock.milliseconds() + 30_000
    while MonotonicClock.milliseconds() < deadline {
      if let process = try template.makeSpare(orders: orders) { return process }
      usleep(5_000)
    }
    throw Errno.timedOut
  }
}
