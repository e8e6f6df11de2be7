@main struct BlockBackend {
  static func main() {}
}
