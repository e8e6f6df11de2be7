import CLinux
import Glibc
import RingTransport
import SystemPackage

/// A process in the sandbox of a backend, which then does one thing.
///
/// `SandboxProbe POLICY OMITTED ACTION`: the policy is `block` or `network`; a step of the sandbox
/// is left out where one is named, none with `none`. It exits with 0 when the action worked, with 1
/// when it failed, with 2 when there is no sandbox; or the kernel kills it.
@main struct SandboxProbe {
  static func main() {
    let words = CommandLine.arguments
    guard words.count == 4, let action = ProbeAction(rawValue: words[3]) else { exit(3) }
    do {
      try Sandbox.closeDescriptors(except: [])
      let opener = try Opener { request in answer(request) }
      let fixture = try ProbeFixture(opener: opener)
      let policy = SandboxPolicy(
        ioctlRequests: [c_block_request_capacity], startsThreads: words[1] == "network")
      let sandbox = Sandbox(policy, omitting: Sandbox.Step(rawValue: words[2]))
      try sandbox.prepare()
      try sandbox.enter(as: ProbeFixture.user)
      exit(try action.run(fixture) ? 0 : 1)
    } catch {
      print(error)
      exit(2)
    }
  }

  /// Opens the file whose name it is told.
  private static func answer(_ request: Opener.Request) -> Opener.Answer {
    let path = String(decoding: request.name, as: UTF8.self)
    do throws(Errno) {
      let file = try OwnedFileDescriptor.open(FilePath(path), .readOnly)
      return Opener.Answer(bytes: [request.verb], file: file)
    } catch {
      return Opener.Answer(bytes: [UInt8(truncatingIfNeeded: error.rawValue)], file: nil)
    }
  }
}
