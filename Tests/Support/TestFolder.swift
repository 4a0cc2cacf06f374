import Foundation

/// A folder of one test's own; goes away with it.
public final class TestFolder: Sendable {
    /// Where it is.
    public let path: String

    /// Makes an empty one.
    public init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("argent-" + UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of `name` in it.
    public subscript(_ name: String) -> String { path + "/" + name }

    /// Writes `text` to `name`; returns its path.
    @discardableResult
    public func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: self[name], atomically: false, encoding: .utf8)
        return self[name]
    }

    /// What file `name` says.
    public func text(_ name: String) throws -> String {
        try String(contentsOfFile: self[name], encoding: .utf8)
    }

    /// Paths of all files below `name`, seen from it, sorted.
    public func files(_ name: String) -> [String] {
        let all = FileManager.default.enumerator(atPath: self[name])?.compactMap { $0 as? String }
        return (all ?? []).filter { path in
            var isDirectory: ObjCBool = false
            let exists = FileManager.default.fileExists(
                atPath: self[name] + "/" + path, isDirectory: &isDirectory)
            return exists && !isDirectory.boolValue
        }.sorted()
    }
}
