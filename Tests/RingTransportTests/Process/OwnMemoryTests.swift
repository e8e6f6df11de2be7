import CLinux
import Foundation
import Glibc
import Testing

/// The process that holds the memory of another one.
@Suite struct OwnMemoryTests {
  @Test(
    "the holder of a process's memory can do nothing, and ends when the process is killed",
    .timeLimit(.minutes(1)))
  func holder() throws {
    var ends: [Int32] = [-1, -1]
    let made = unsafe ends.withUnsafeMutableBufferPointer { unsafe c_make_pipe($0.baseAddress) }
    try #require(made == 0)
    let process = c_fork()
    if process == 0 {
      // A copy of a process with threads: nothing but system calls.
      _ = c_hold_memory(ends[0])
      while true { pause() }
    }
    close(ends[0])
    close(ends[1])
    var holder: Int32?
    while holder == nil { holder = children(of: process).first }
    let found = try #require(holder)
    // SECCOMP_MODE_STRICT: read, write and exit.
    while field("Seccomp", of: found) == "0" { usleep(1000) }
    #expect(field("Seccomp", of: found) == "1")
    let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(found)/fd")
    #expect(files.count == 1)
    #expect(getpgid(found) == found, "it would be killed with the process")
    #expect(field("VmRSS", of: found) != nil)

    kill(process, SIGKILL)
    #expect(waitpid(process, nil, 0) == process)
    // Whoever is its parent now may be slow to take note.
    while let state = field("State", of: found), !state.hasPrefix("Z") { usleep(1000) }
  }

  private func children(of parent: Int32) -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { Int32($0) }.filter { field("PPid", of: $0) == "\(parent)" }
  }

  private func field(_ name: String, of process: Int32) -> String? {
    let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    return text?.split(separator: "\n").first { $0.hasPrefix(name + ":") }.map {
      $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }
  }
}
