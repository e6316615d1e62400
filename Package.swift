// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// The dependency lists below are the architecture: a target may import what its line names and
// nothing else (`--explicit-target-dependency-import-check error` enforces it).

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // Debug builds, and with them the tests, keep the dynamic checks; a request would pay for
    // about fifty of them.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A library target in `Sources/<name>` with its tests in `Tests/<name>Tests`, which may use more.
func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], testsAlso: [Target.Dependency] = []
) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, swiftSettings: settings),
        .testTarget(
            name: "\(name)Tests",
            dependencies: [.byName(name: name)] + dependencies + testsAlso,
            swiftSettings: settings),
    ]
}

let systemLibraries: [Target] = [
    .systemLibrary(name: "CCurl"),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CLMDB"),
    .systemLibrary(name: "CNGHTTP2"),
    .systemLibrary(name: "COpenSSL"),
    .systemLibrary(name: "CMicroHTTPD"),
    .systemLibrary(name: "CYAML"),
]

/// What Swift has no names for: calls of glibc, instructions of the processor.
let cTargets: [Target] = ["CBase", "CKernels"].map { name in
    .target(name: name, cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])])
}

let layers: [[Target]] = [
    // Layer 1: each stands alone on the standard library, Base and one C library.
    module("Base", ["CBase"]),
    module("Crypto", ["COpenSSL"]),
    module("Files"),
    module("Wire", ["Base"]),
    module("Store", ["Base", "Crypto", "CLMDB"]),
    module("Transport", ["Base", "CLinux"]),
    module("Metrics", ["Base"]),
    module("Alarms", ["Base", "Metrics"]),
    module("Webhook", ["Base", "CCurl", "Crypto", "Metrics"]),
    // Layer 2: the domain, without I/O of its own.
    module("API", ["Wire"]),
    module("GRPC", ["Base", "CNGHTTP2"]),
    module("Features", ["API", "Base", "Crypto", "Store", "Wire"]),
    module("Models", ["Base", "CKernels", "Wire"]),
    module("Documents", ["API", "Base", "CYAML", "Wire"]),
    module("Loading", ["API", "Base"]),
    module("Rollout", ["Base"], testsAlso: ["RolloutSimulations"]),
    // Layer 2 too, beside the product: pure values for the demo and for tests.
    module("Simulator", ["Base"]),
    // Layer 3: the request path and the write path.
    module(
        "Engine",
        [
            "API", "Base", "Crypto", "Features", "Files", "Metrics", "Models", "Rollout", "Store",
            "Wire",
        ]),
    // Layer 4: the edges.
    module("Admin", ["Base", "CMicroHTTPD", "Metrics"]),
    module(
        "Server",
        [
            "API", "Admin", "Alarms", "Base", "Engine", "GRPC", "Metrics", "Transport", "Webhook",
            "Wire",
        ]),
    module("Client", ["API", "Base", "GRPC", "Transport", "Wire"]),
]

let executables: [Target] = [
    .executableTarget(
        name: "kassa",
        dependencies: [
            "API", "Base", "Client", "Crypto", "Documents", "Engine", "Files", "GRPC", "Loading",
            "Server", "Webhook", "Wire",
        ],
        swiftSettings: settings),
    .testTarget(
        name: "KassaTests",
        dependencies: ["API", "Documents", "Wire", "kassa"],
        swiftSettings: settings),
    .executableTarget(
        name: "EchoServer",
        dependencies: ["Base", "GRPC", "Transport"],
        path: "Tests/EchoServer",
        swiftSettings: settings),
    .executableTarget(
        name: "Demo",
        dependencies: ["API", "Base", "Client", "Files", "Simulator", "Transport", "Wire"],
        exclude: ["Configuration", "Training"],
        swiftSettings: settings),
    .testTarget(
        name: "DemoTests",
        dependencies: ["API", "Base", "Demo", "Documents", "Files", "Simulator"],
        swiftSettings: settings),
    .executableTarget(name: "ProtoGen", dependencies: ["Wire"], swiftSettings: settings),
    .executableTarget(
        name: "StoreTorture", dependencies: ["Base", "Store"],
        path: "Tests/durability/StoreTorture", swiftSettings: settings),
    .executableTarget(
        name: "RolloutSimulations", dependencies: ["Base", "Rollout"],
        path: "Tests/RolloutSimulations", swiftSettings: settings),
    .testTarget(
        name: "RolloutSimulationsTests",
        dependencies: ["Base", "Rollout", "RolloutSimulations"],
        swiftSettings: settings),
    .executableTarget(
        name: "Bench",
        dependencies: [
            "API", "Base", "CLinux", "Crypto", "Engine", "Files", "GRPC", "Metrics", "Models",
            "Transport", "Wire",
        ],
        path: "bench/Sources",
        swiftSettings: settings),
    .executableTarget(
        name: "RawLMDB", path: "bench/peer", linkerSettings: [.linkedLibrary("lmdb")]),
    .executableTarget(
        name: "TreePeers", path: "bench/tree-peers",
        linkerSettings: [.linkedLibrary("dl"), .linkedLibrary("m")]),
    .executableTarget(
        name: "WireEcho",
        dependencies: ["API", "Wire"],
        path: "Tests/differential/WireEcho",
        swiftSettings: settings),
    .executableTarget(
        name: "ModelEcho",
        dependencies: ["Files", "Models"],
        path: "Tests/differential/ModelEcho",
        swiftSettings: settings),
]

let package = Package(
    name: "kassa",
    products: [
        .executable(name: "kassa", targets: ["kassa"]),
        .executable(name: "ProtoGen", targets: ["ProtoGen"]),
    ],
    targets: systemLibraries + cTargets + layers.flatMap { $0 } + executables
)
