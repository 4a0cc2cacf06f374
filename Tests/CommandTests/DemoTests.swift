import Foundation
import RunLog
import TestSupport
import Testing
import World

@Suite("argent demo")
struct DemoTests {
    /// The smallest campaign: two conditions.
    private func demo(_ folder: String, seed: Int) throws -> (Program.Outcome, [String: Any]) {
        let told = try Program.run(
            "demo", "--json", "--runs", "1", "--batch", "2", "--seed", "\(seed)", "--into", folder)
        let value = try JSONSerialization.jsonObject(with: Data(told.out.utf8))
        return (told, try #require(value as? [String: Any]))
    }

    @Test("the same seed gives the same log, byte for byte; another seed another one")
    func deterministic() throws {
        let folder = try TestFolder()
        let (first, one) = try demo(folder["one"], seed: 5)
        let (_, two) = try demo(folder["two"], seed: 5)
        let (_, other) = try demo(folder["other"], seed: 6)
        #expect(first.code == 0)
        #expect(first.err.isEmpty)
        let digest = try #require(one["sha256"] as? String)
        #expect(digest.count == 64)
        #expect(two["sha256"] as? String == digest)
        #expect(other["sha256"] as? String != digest)
        #expect(one["log"] as? String == folder["one"])
        let segment = try Data(contentsOf: URL(fileURLWithPath: folder["one/00000001.argentseg"]))
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: folder["two/00000001.argentseg"])) == segment)

        // Said by another program than the one that is tested: all bytes before the seal, whose
        // length stands in the segment's last bytes but four.
        let seal = segment.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        try segment.dropLast(seal).write(to: URL(fileURLWithPath: folder["hashed"]))
        let sum = try Child(
            "/usr/bin/sha256sum", [folder["hashed"]], output: folder["sum"],
            error: folder["sum-err"])
        #expect(sum.wait() == 0)
        #expect(try folder.text("sum").hasPrefix(digest + " "))

        // What is printed is what is in the log.
        let runs = try #require(one["runs"] as? [[String: Any]])
        #expect(runs.count == 1)
        let ends = try Log.records(folder["one"]).compactMap { record in
            if case .conditionEnd(let end) = record.body { end } else { nil }
        }
        let complete = ends.filter { $0.outcome == "complete" }
        #expect(runs.first?["complete"] as? Int == complete.count)
        let best = try #require(complete.compactMap(\.medianLoss).min())
        // In the very digits of the log: a JSON reader's own rounding is not what is tested.
        #expect(first.out.contains("\"best_loss\":\(best),"))
    }

    @Test("an existing log is refused: the numbers would not be the demonstration's own")
    func existing() throws {
        let folder = try TestFolder()
        try folder.write("run.argentlog", "somebody's")
        let told = try Program.run("demo", "--runs", "1", "--batch", "1", "--into", folder.path)
        #expect(told.code == 1)
        #expect(told.err.contains(folder["run.argentlog"]))
        #expect(try folder.text("run.argentlog") == "somebody's")
    }

    @Test("a folder that cannot be made, a chemistry that is none: said, with the name")
    func unusable() throws {
        let folder = try TestFolder()
        let file = try folder.write("file", "not a folder")
        let into = try Program.run("demo", "--into", file + "/below")
        #expect(into.code == 1)
        #expect(into.err.contains(file))
        let chemistry = try Program.run("demo", "--into", folder["x"], "--chemistry", file)
        #expect(chemistry.code == 3)
        #expect(chemistry.err.contains(file), "\(chemistry.err)")
        let target = try Program.run("demo", "--into", folder["y"], "--target", file)
        #expect(target.code == 3)
        #expect(target.err.contains(file))
    }

    @Test("what people read has no ragged numbers, and tells where the log is")
    func table() throws {
        let folder = try TestFolder()
        let told = try Program.run("demo", "--runs", "1", "--batch", "1", "--into", folder.path)
        #expect(told.code == 0)
        #expect(told.out.contains("log: \(folder.path)\n"))
        for word in told.out.split(whereSeparator: { " \n,;:".contains($0) }) {
            guard let number = Double(word), word.contains(".") else { continue }
            #expect(word.filter(\.isNumber).drop { $0 == "0" }.count <= 4, "\(number)")
        }
    }
}

/// A run log as the library reads it.
enum Log {
    /// The records of the log in the directory at `path`.
    static func records(_ path: String) throws -> [Record] {
        var reader = try LogReader(directory: path)
        var records: [Record] = []
        while let entry = try reader.next() {
            switch entry {
            case .record(_, let record): records.append(record)
            case .gap, .unknown, .unreadable: Issue.record("\(path): \(entry)")
            }
        }
        return records
    }
}
