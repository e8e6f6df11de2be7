import Testing

@testable import DriverDomainInit

@Suite struct KernelCommandLineTests {
  private func words(_ line: String) -> [String] {
    KernelCommandLine.words(line).map { "\($0.name)|\($0.value ?? "-")" }
  }

  @Test func splitsAtWhiteSpace() {
    #expect(words(" quiet  a=b\tc=\n") == ["quiet|-", "a|b", "c|"])
    #expect(words("") == [])
  }

  @Test func keepsWhatFollowsTheFirstEqualsSign() {
    #expect(words("root=UUID=1=2") == ["root|UUID=1=2"])
  }

  @Test func quotesKeepBlanksTogether() {
    #expect(words(#"a="b c" "d=e f" g"#) == ["a|b c", "d|e f", "g|-"])
    #expect(words(#"a="never closed b=c"#) == ["a|never closed b=c"])
    #expect(words(#""""#) == [])
  }
}
