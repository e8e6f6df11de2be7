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

/// For the machinery of the tests, which a debug build would make the slowest part of them.
let testMachinery = settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
  name: "driver-domains",
  products: [
    .executable(name: "driver-domain-init", targets: ["DriverDomainInit"]),
    .executable(name: "block-backend", targets: ["BlockBackend"]),
    .executable(name: "net-backend", targets: ["NetBackend"]),
    .executable(name: "ddctl", targets: ["DriverDomainControl"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .systemLibrary(name: "CXen", path: "Sources/CXen"),
    .target(
      name: "CURing", path: "Sources/CURing", linkerSettings: [.linkedLibrary("uring")]),
    .target(name: "CPcap", path: "Sources/CPcap", linkerSettings: [.linkedLibrary("pcap")]),
    .target(name: "CLinux", path: "Sources/CLinux"),
    .target(
      name: "RingTransport",
      dependencies: ["CXen", "CLinux", "CURing", system, logging],
      swiftSettings: settings),
    .executableTarget(
      name: "BlockBackend",
      dependencies: ["RingTransport", "CLinux", "CXen", system, logging],
      swiftSettings: settings),
    .executableTarget(
      name: "NetBackend",
      dependencies: ["RingTransport", "CLinux", "CURing", "CXen", "CPcap", system, logging],
      swiftSettings: settings),
    .target(name: "CEarlyBoot", path: "Sources/CEarlyBoot"),
    .executableTarget(
      name: "DriverDomainInit",
      dependencies: ["RingTransport", "CLinux", "CEarlyBoot", system, logging],
      swiftSettings: settings),
    .systemLibrary(name: "CXenLight", path: "Sources/CXenLight"),
    .executableTarget(
      name: "DriverDomainControl",
      dependencies: ["RingTransport", "CLinux", "CXenLight", system, logging],
      swiftSettings: settings),
    .testTarget(
      name: "DriverDomainControlTests",
      dependencies: ["DriverDomainControl", "RingTransport", "SimulatedXen", system, logging],
      swiftSettings: settings),
    .testTarget(
      name: "DriverDomainInitTests",
      dependencies: [
        "DriverDomainInit", "RingTransport", "SimulatedXen", "CLinux", system, logging,
      ],
      swiftSettings: settings),
    .target(
      name: "SimulatedXen",
      dependencies: ["RingTransport", "CLinux", "CXen", system],
      path: "Tests/SimulatedXen",
      swiftSettings: testMachinery),
    .executableTarget(
      name: "SandboxProbe", dependencies: ["RingTransport", "CLinux", system],
      path: "Tests/SandboxProbe", swiftSettings: settings),
    .target(name: "CRingReference", path: "Tests/CRingReference"),
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    .target(
      name: "PeerKit",
      dependencies: ["RingTransport", "SimulatedXen", "CRingReference", system],
      path: "Tests/PeerKit",
      swiftSettings: testMachinery),
    .testTarget(
      name: "RingTransportTests",
      dependencies: [
        "RingTransport", "SimulatedXen", "CRingReference", "PeerKit", "SandboxProbe", "CURing",
        "CLinux",
        system, logging,
      ],
      swiftSettings: settings),
    .testTarget(
      name: "PeerKitTests",
      dependencies: ["RingTransport", "SimulatedXen", "CRingReference", "PeerKit", system],
      swiftSettings: settings),
    .target(name: "XenHost", path: "Tests/XenHost", swiftSettings: settings),
    .executableTarget(
      name: "Demo", dependencies: ["XenHost"], path: "Tests/Demo", swiftSettings: settings),
    // Has the backends' sources in it, as links in its folder: no program can link another's code,
    // and so the compiler sees as much of it at once as in the backends themselves.
    .executableTarget(
      name: "MicroBench",
      dependencies: [
        "RingTransport", "SimulatedXen", "PeerKit", "CRingReference", "CAllocationCount", "CLinux",
        "CURing", "CXen", "CPcap", system, logging,
      ],
      path: "Tests/MicroBench",
      exclude: ["BlockBackend/BlockBackend.swift", "NetBackend/NetBackend.swift"],
      swiftSettings: settings),
    .testTarget(name: "XenHostTests", dependencies: ["XenHost"], swiftSettings: settings),
    .testTarget(
      name: "BlockBackendTests",
      dependencies: [
        "BlockBackend", "RingTransport", "SimulatedXen", "PeerKit", "CRingReference",
        "CAllocationCount", "CXen", system, logging,
      ],
      swiftSettings: settings),
    .target(name: "CNetReference", path: "Tests/CNetReference"),
    .testTarget(
      name: "NetBackendTests",
      dependencies: [
        "NetBackend", "RingTransport", "SimulatedXen", "PeerKit", "CNetReference",
        "CAllocationCount", "CLinux", "CXen", "CPcap", system, logging,
      ],
      swiftSettings: settings),
    .testTarget(name: "TidyTests", swiftSettings: settings),
  ]
)
