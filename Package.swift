// swift-tools-version: 6.3
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableExperimentalFeature("Lifetimes"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
  name: "driver-domains",
  dependencies: [
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .systemLibrary(name: "CXen", path: "Sources/CXen"),
    .systemLibrary(name: "CURing", path: "Sources/CURing"),
    .target(name: "CLinux", path: "Sources/CLinux"),
    .target(
      name: "RingTransport",
      dependencies: ["CXen", "CLinux", system],
      swiftSettings: settings),
    .target(
      name: "SimulatedXen",
      dependencies: ["RingTransport", system],
      path: "Tests/SimulatedXen",
      swiftSettings: settings),
    .testTarget(
      name: "RingTransportTests",
      dependencies: ["RingTransport", "SimulatedXen", "CXen", system],
      swiftSettings: settings),
  ]
)
