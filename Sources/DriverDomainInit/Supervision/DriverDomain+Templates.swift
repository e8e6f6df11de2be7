import Glibc
import Logging
import RingTransport
import SystemPackage

/// The templates of the backend programs, from which spares are copied.
extension DriverDomain where Transport: ~Copyable {
  /// Has a template of each installed program, so that it is ready before the first guest comes.
  func startTemplates() {
    for role in BackendPrograms.Role.allCases { startTemplate(role) }
  }

  /// Starts a template where there is none. A program whose last one failed has none until it is
  /// replaced.
  func startTemplate(_ role: BackendPrograms.Role) {
    guard let program = options.programs.path(of: role), templates[role] == nil,
      !failedTemplates.contains(role), power == nil
    else { return }
    do throws(Errno) {
      var theirs: OwnedFileDescriptor?
      let socket = try TemplateSocket(template: &theirs)
      guard let number = theirs?.rawValue else { return }
      let process = try startWaiting(.template, program, number)
      templates[role] = ProcessTemplate(process: process, socket)
    } catch {
      log.debug(
        "no template", metadata: ["program": "\(role.rawValue)", "reason": "\(error)"])
    }
  }

  /// Makes a spare of the program.
  ///
  /// - Parameter orders: the spare's end of its connection.
  /// - Returns: nil where there is no template, or not yet.
  func copyTemplate(_ role: BackendPrograms.Role, orders: Int32) -> Int32? {
    startTemplate(role)
    do throws(Errno) {
      return try templates[role]?.makeSpare(orders: orders)
    } catch {
      log.warning(
        "a template does not answer",
        metadata: ["program": "\(role.rawValue)", "reason": "\(error)"])
      failedTemplates.insert(role)
      endTemplate(role)
      return nil
    }
  }

  /// The program is another now.
  func replaceTemplate(_ role: BackendPrograms.Role) {
    endTemplate(role)
    failedTemplates.remove(role)
    startTemplate(role)
  }

  private func endTemplate(_ role: BackendPrograms.Role) {
    guard let template = templates.removeValue(forKey: role) else { return }
    signal(template.process, SIGKILL)
  }

  /// Takes the end of a process, and says whether it was a template that nobody ended.
  func finishTemplate(_ process: Int32, _ end: ProcessEnd) -> Bool {
    guard let role = templates.first(where: { $0.value.process == process })?.key else {
      return false
    }
    log.debug("a template ended (\(end))", metadata: ["program": "\(role.rawValue)"])
    templates[role] = nil
    failedTemplates.insert(role)
    return true
  }
}
