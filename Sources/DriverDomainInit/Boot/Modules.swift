import RingTransport
import SystemPackage

/// Loads the kernel modules of the image. There is no modprobe: the image's build resolved the
/// dependencies, and `/modules/order` lists the files in an order that satisfies them.
struct Modules {
  /// Where the image keeps them.
  var directory = "/modules"

  /// The files to load: those of `order`, then those of `extra.NAME` (dependencies first) for
  /// each name that was asked for, and for each filesystem that is not in `order` already.
  func files(
    extra names: [String], filesystems: [String] = []
  ) -> (files: [String], missing: [String]) {
    var files = Text.lines(text(of: "order") ?? "")
    var missing: [String] = []
    for name in names {
      if let list = list(of: name) { files += list } else { missing.append(name) }
    }
    for name in filesystems { files += list(of: name) ?? [] }
    var seen: Set<String> = []
    return (files.filter { seen.insert($0).inserted }, missing)
  }

  /// Loads all, and gives a text for each that failed. One missing driver must not keep the
  /// disks of another from being served.
  func load(extra names: [String], filesystems: [String]) -> [String] {
    let (files, missing) = files(extra: names, filesystems: filesystems)
    var problems = missing.map { "module \($0): not in the image" }
    for file in files {
      do throws(Errno) {
        let path = FilePath(directory + "/" + file)
        try SystemCall.loadModule(OwnedFileDescriptor.open(path, .readOnly))
      } catch {
        // Loaded or built in already is as good; a driver without its device is not needed.
        if error == .fileExists || error == .operationNotSupportedByDevice { continue }
        problems.append("module \(file): \(error)")
      }
    }
    return problems
  }

  /// Removes the files: an initramfs is memory, and nothing loads a module later.
  func discard() {
    for name in Files.names(in: directory) {
      do throws(Errno) {
        try Files.remove(directory + "/" + name)
      } catch {
        // Then it stays; a little memory is all it costs.
        continue
      }
    }
  }

  private func list(of name: String) -> [String]? {
    text(of: "extra." + String(name.map { $0 == "-" ? "_" : $0 })).map { Text.lines($0) }
  }

  private func text(of file: String) -> String? {
    // A list of a few dozen names; the real ones are 1 KiB.
    Files.text(of: directory + "/" + file, limit: 65536)
  }
}
