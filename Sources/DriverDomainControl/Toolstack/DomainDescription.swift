/// A domain's configuration in libxl's own JSON (`libxl_domain_config`), as `xl create -n` prints
/// it.
///
/// `xl` is the one parser of its configuration files. Each output of it names the domain by another
/// UUID, unless the file has one.
struct DomainDescription: Equatable {
  /// The JSON object.
  let text: String

  /// libxl's object of a domain with many devices has some 20 KiB.
  static let byteCountMax = 1 << 20

  /// Takes what `xl create -n -q` printed; nil where it holds no object.
  init?(output: String) {
    guard let start = output.firstIndex(of: "{"), let end = output.lastIndex(of: "}"),
      start < end, output.utf8.count <= Self.byteCountMax
    else { return nil }
    text = String(output[start...end])
  }
}
