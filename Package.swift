// swift-tools-version: 6.0
import PackageDescription

/// The processor the Swift code is compiled for. On x86-64 the plain baseline has no fused
/// multiply–add, and a SIMD `addingProduct` becomes a library call per lane; so AVX2 and FMA are
/// asked for, and the program says so at start where they are missing. This file sees the machine
/// that builds, not the one that runs: a cross build sets `ARGENT_CPU` to what its target has, or
/// to nothing.
#if arch(x86_64)
    let usualProcessor = "x86-64-v3"
#else
    let usualProcessor = ""
#endif
let processor = Context.environment["ARGENT_CPU"] ?? usualProcessor
let swiftFlags: [SwiftSetting] =
    processor.isEmpty ? [] : [.unsafeFlags(["-Xcc", "-march=\(processor)"])]

/// The rooms the rig's thread goes through run without checks of exclusive access in release
/// builds: each check is a call that keeps a list, a thousand times a second and line. Debug
/// builds, and with them the tests, check as ever.
let rigThreadRooms = ["Quantities", "World", "Instruments", "Spectra", "Rig", "Agent"]
let uncheckedFlags: [SwiftSetting] = [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))
]

/// A thin C shim over one Debian library: header and glue in `Sources/<name>`, nothing else.
func shim(_ name: String, links libraries: [String]) -> Target {
    .target(name: name, linkerSettings: libraries.map { .linkedLibrary($0) })
}

/// A room of the house. Its dependencies are the rooms below it, and only those.
func room(_ name: String, on below: [Target.Dependency], except: [String] = []) -> Target {
    .target(
        name: name, dependencies: below, exclude: except,
        swiftSettings: swiftFlags + (rigThreadRooms.contains(name) ? uncheckedFlags : []))
}

/// The tests of one room, with the support code all tests share.
func tests(of name: String, on more: [Target.Dependency] = []) -> Target {
    let common = ["Quantities", "Numerics"].filter { $0 != name }.map {
        Target.Dependency.target(name: $0)
    }
    return .testTarget(
        name: "\(name)Tests",
        dependencies: [.target(name: name), "TestSupport"] + common + more,
        swiftSettings: swiftFlags)
}

let package = Package(
    name: "argent",
    products: [
        .executable(name: "argent", targets: ["argent"]),
        .executable(name: "argent-workstation", targets: ["argent-workstation"]),
        .executable(name: "argent-bench", targets: ["argent-bench"]),
        .executable(name: "argent-fuzz", targets: ["argent-fuzz"]),
    ],
    targets: [
        // C shims, one per library.
        shim("CSystem", links: []),
        shim("CGPIO", links: ["gpiod"]),
        shim("CSerial", links: ["serialport"]),
        shim("CI2C", links: ["i2c"]),
        shim("CTOML", links: []),
        shim("CCBOR", links: ["cbor"]),
        shim("CDigest", links: ["crypto"]),
        shim("CTLS", links: ["ssl", "crypto"]),
        shim("CZstd", links: ["zstd"]),
        shim("CSimd", links: []),
        // Replaces malloc(3) to count: for tests and measuring programs, never for the agent.
        shim("CAllocations", links: []),

        // The rooms, lowest first.
        room("Quantities", on: []),
        room("Numerics", on: ["CSimd"]),
        room("World", on: ["Quantities", "CSystem", "CGPIO", "CSerial", "CI2C"]),
        room("Configuration", on: ["Quantities", "CTOML"]),
        room(
            "RunLog", on: ["Quantities", "World", "CCBOR", "CDigest", "CZstd"],
            except: ["FORMAT.md"]),
        room(
            "Sync", on: ["Quantities", "World", "RunLog", "CTLS"], except: ["PROTOCOL.md"]),
        room("Export", on: ["Quantities", "World", "Configuration", "RunLog"]),
        room("LogTrials", on: ["Quantities", "Numerics", "World", "RunLog"]),
        room("Spectra", on: ["Quantities", "Numerics", "Configuration"]),
        room("Surrogates", on: ["Numerics"]),
        room("Instruments", on: ["Quantities"]),
        room("Rig", on: ["Quantities", "Configuration", "Instruments", "Spectra"]),
        room(
            "Campaign",
            on: ["Quantities", "Configuration", "Numerics", "Surrogates", "Spectra"]),
        room(
            "RigSimulator",
            on: ["Quantities", "Numerics", "World", "Configuration", "Surrogates", "Spectra"]),
        room(
            "Agent",
            on: [
                "Quantities", "World", "Configuration", "RunLog", "Export", "Sync", "Rig",
                "Campaign", "Instruments", "Spectra", "Numerics", "Surrogates",
            ]),
        .executableTarget(
            name: "argent",
            dependencies: [
                "Agent", "Export", "Sync", "Rig", "RigSimulator", "Configuration", "RunLog",
                "World",
                "Spectra", "Quantities", "Numerics", "Surrogates", "Campaign", "CSimd",
            ],
            swiftSettings: swiftFlags),
        .executableTarget(
            name: "argent-workstation",
            dependencies: ["Export", "Sync", "World", "Quantities", "CSimd"],
            swiftSettings: swiftFlags),
        .executableTarget(
            name: "argent-bench",
            dependencies: [
                "Numerics", "Surrogates", "Campaign", "Configuration", "Spectra", "Quantities",
                "World", "RunLog", "LogTrials", "Sync", "Agent", "Rig", "RigSimulator",
                "Instruments", "CAllocations",
            ],
            swiftSettings: swiftFlags),
        .executableTarget(
            name: "argent-fuzz",
            dependencies: [
                "RunLog", "LogTrials", "Sync", "World", "Quantities", "Numerics",
                "Configuration", "Instruments", "Rig", "Spectra", "Agent",
            ],
            swiftSettings: swiftFlags),

        // Tests.
        .target(name: "TestSupport", path: "Tests/Support", swiftSettings: swiftFlags),
        tests(of: "Quantities"),
        tests(of: "Numerics"),
        tests(of: "World"),
        tests(of: "Configuration"),
        tests(of: "RunLog", on: ["World", "LogTrials"]),
        tests(of: "Sync", on: ["World", "RunLog"]),
        tests(of: "Export", on: ["World", "RunLog", "Configuration"]),
        tests(of: "Spectra"),
        tests(of: "Surrogates"),
        tests(of: "Instruments"),
        tests(of: "Rig", on: ["Instruments", "Configuration", "Spectra"]),
        tests(of: "Campaign", on: ["Configuration", "Surrogates", "Spectra", "World"]),
        tests(of: "RigSimulator", on: ["World", "Configuration", "Surrogates", "Instruments"]),
        tests(
            of: "Agent",
            on: [
                "RigSimulator", "World", "Configuration", "RunLog", "Export", "Campaign", "Rig",
                "Spectra", "CAllocations", "Instruments",
            ]),
        .testTarget(
            name: "CommandTests", dependencies: ["argent", "RunLog", "World", "TestSupport"],
            swiftSettings: swiftFlags),
        .testTarget(
            name: "FuzzTests", dependencies: ["argent-fuzz", "Numerics", "Configuration"],
            swiftSettings: swiftFlags),
    ],
    cxxLanguageStandard: .cxx17
)
