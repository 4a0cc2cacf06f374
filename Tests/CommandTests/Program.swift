import Foundation
import Testing
import World

/// The built program, run as a shell would run it.
struct Program {
    /// What a run of it left behind.
    struct Outcome {
        var code: Int32
        var out: String
        var err: String
    }

    /// The executable beside the test bundle: both are products of the same build.
    static let path: String = {
        let bundle = Bundle.allBundles.map(\.bundlePath) + CommandLine.arguments
        for place in bundle where place.contains(".build") {
            let folder = URL(fileURLWithPath: place).deletingLastPathComponent().path
            if Files.exists(folder + "/argent") { return folder + "/argent" }
        }
        return URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().path + "/argent"
    }()

    /// Runs `argent words` to its end. Output goes to files: a pipe nobody empties would stop it.
    static func run(_ words: String..., input: String = "") throws -> Outcome {
        try run(words, input: input)
    }

    static func run(_ words: [String], input: String = "") throws -> Outcome {
        let folder = try TestFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = words
        process.standardOutput = try folder.fileHandle("out")
        process.standardError = try folder.fileHandle("err")
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return Outcome(
            code: process.terminationReason == .exit ? process.terminationStatus : -1,
            out: try folder.text("out"), err: try folder.text("err"))
    }
}

/// A folder of one test's own; goes away with it.
final class TestFolder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("argent-" + UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    subscript(_ name: String) -> String { path + "/" + name }

    /// Writes `text` to `name`; returns its path.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: self[name], atomically: false, encoding: .utf8)
        return self[name]
    }

    func text(_ name: String) throws -> String {
        try String(contentsOfFile: self[name], encoding: .utf8)
    }

    func fileHandle(_ name: String) throws -> FileHandle {
        try write(name, "")
        return try #require(FileHandle(forWritingAtPath: self[name]))
    }
}
