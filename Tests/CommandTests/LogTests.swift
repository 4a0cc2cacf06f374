import Foundation
import RunLog
import TestSupport
import Testing
import World

/// One small campaign whose log all these tests read.
private struct SmallLog: Sendable {
    let folder: TestFolder
    let segment: String

    static let shared = Result { try SmallLog() }

    init() throws {
        folder = try TestFolder()
        let told = try Program.run(
            "demo", "--runs", "1", "--batch", "2", "--seed", "5", "--into", folder["log"])
        try #require(told.code == 0, "\(told.err)")
        segment = folder["log/00000001.argentseg"]
    }

    var path: String { folder["log"] }

    func records() throws -> [Record] {
        var reader = try SegmentReader(ReadFile(path: segment))
        var records: [Record] = []
        while let entry = try reader.next() {
            if case .record(_, let record) = entry { records.append(record) }
        }
        return records
    }
}

/// Whether Debian's Python can read zstd and CBOR.
private let pythonReads: Bool = {
    let child = try? Child(
        "/usr/bin/python3", ["-c", "import cbor2, zstandard"], output: "/dev/null",
        error: "/dev/null")
    return child?.wait() == 0
}()

@Suite("argent log")
struct LogTests {
    @Test("list: every segment with its records, times, bytes and hash")
    func list() throws {
        let log = try SmallLog.shared.get()
        let told = try Program.run("log", "list", log.path, "--json")
        #expect(told.code == 0, "\(told.err)")
        let value = try JSONSerialization.jsonObject(with: Data(told.out.utf8)) as? [String: Any]
        let segments = try #require(value?["segments"] as? [[String: Any]])
        #expect(segments.count == 1)
        #expect(segments[0]["state"] as? String == "sealed")
        #expect(segments[0]["first"] as? Int == 1)
        let count = try log.records().count
        #expect(segments[0]["last"] as? Int == count)
        let size = try FileManager.default.attributesOfItem(atPath: log.segment)[.size] as? Int
        #expect(segments[0]["bytes"] as? Int == size)
        #expect(try Program.run("log", "list", log.path).out.contains("1 segment, "))
    }

    @Test("cat: one line a record, for people and for programs, of one kind or from one on")
    func cat() throws {
        let log = try SmallLog.shared.get()
        let records = try log.records()
        let plain = try Program.run("log", "cat", log.path).out.split(separator: "\n")
        #expect(plain.count == records.count)
        let json = try Program.run("log", "cat", log.segment, "--json", "--spectra").out
            .split(separator: "\n")
        #expect(json.count == records.count)
        for (line, record) in zip(json, records) {
            let value = try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard case .droplet(let droplet) = record.body else { continue }
            #expect((value["absorbance"] as? [Any])?.count == droplet.absorbance.count)
        }
        let ends = try Program.run("log", "cat", log.path, "--type", "condition end").out
        #expect(ends.split(separator: "\n").count == 2)
        let late = try Program.run("log", "cat", log.path, "--from", "\(records.count)").out
        #expect(late.split(separator: "\n").count == 1 && late.contains("  stop: "))
        let slip = try Program.run("log", "cat", log.path, "--type", "droplets")
        #expect(slip.code == 2 && slip.err.contains("did you mean \"droplet\"?"))
    }

    @Test("verify: a whole log is whole; one changed bit anywhere, and it says where")
    func verify() throws {
        let log = try SmallLog.shared.get()
        let good = try Program.run("log", "verify", log.path)
        #expect(good.code == 0 && good.out.contains("  whole\n"), "\(good)")
        let copy = try TestFolder()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: log.segment))
        bytes[bytes.count / 2] ^= 0x10
        try bytes.write(to: URL(fileURLWithPath: copy["00000001.argentseg"]))
        let bad = try Program.run("log", "verify", copy.path)
        #expect(bad.code == 1)
        #expect(bad.out.contains("00000001.argentseg: it was changed or damaged"), "\(bad.out)")
        let wrongKey = try Program.run(
            "log", "verify", log.path, "--key", String(repeating: "ab", count: 32))
        #expect(wrongKey.code == 1 && wrongKey.out.contains("it is not signed"))
        let nothing = try Program.run("log", "verify", copy["absent"])
        #expect(nothing.code == 3 && nothing.err.contains("not there"))
    }

    @Test("export: `argent loss` finds in the exported spectra the very losses of the log")
    func exportedLosses() throws {
        let log = try SmallLog.shared.get()
        let into = log.folder["export"]
        let told = try Program.run(
            "log", "export", log.path, "--into", into, "--spectra", "--jcamp", "--json")
        #expect(told.code == 0, "\(told.err)")
        let losses = try Program.run(
            "loss", "--target", log.path + "/target.csv", into + "/droplets.csv")
        #expect(losses.code == 0, "\(losses.err)")
        let found = losses.out.split(separator: "\n").dropFirst().map {
            Double($0.split(separator: ",")[1])
        }
        let droplets = try log.records().compactMap { record in
            if case .droplet(let droplet) = record.body { droplet } else { nil }
        }
        #expect(found.count == droplets.count && !droplets.isEmpty)
        for (loss, droplet) in zip(found, droplets) {
            // The log's spectra are single precision: 24 bits of an absorbance near 1.
            let loss = try #require(loss)
            #expect(abs(loss - droplet.loss) < 1e-6)
        }
        let lines = try String(contentsOfFile: into + "/records.jsonl", encoding: .utf8)
        let count = try log.records().count
        #expect(lines.split(separator: "\n").count == count)
        let spectra = try FileManager.default.subpathsOfDirectory(atPath: into + "/spectra")
        #expect(spectra.filter { $0.hasSuffix(".jdx") }.count == droplets.count)
    }

    @Test("the README's Python reads a segment", .enabled(if: pythonReads))
    func readmePython() throws {
        let log = try SmallLog.shared.get()
        let readme = try String(
            contentsOfFile: SharedData.projectRoot + "/README.md", encoding: .utf8)
        let block = try #require(readme.components(separatedBy: "```python\n").dropFirst().first)
        let script = try #require(block.components(separatedBy: "```").first)
        let folder = try TestFolder()
        let child = try Child(
            "/usr/bin/python3", ["-c", script, log.segment], output: folder["out"],
            error: folder["err"])
        #expect(child.wait() == 0)
        #expect(try folder.text("err").isEmpty)
        var reader = try SegmentReader(ReadFile(path: log.segment))
        var expected: [[String]] = []
        while let entry = try reader.next() {
            guard case .record(let sequence, let record) = entry,
                case .conditionEnd(let end) = record.body
            else { continue }
            expected.append([
                "\(sequence)", "\(end.run)", "\(end.condition)", "\(end.attempt)", end.outcome,
                "\(end.droplets)", end.medianLoss.map { "\($0)" } ?? "None",
            ])
        }
        let found = try folder.text("out").split(separator: "\n").map {
            $0.split(separator: " ").map(String.init)
        }
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) {
            #expect(found.dropLast() == expected.dropLast())
            #expect(found.last.flatMap(Double.init) == expected.last.flatMap(Double.init))
        }
    }

    @Test("a slip of the keyboard is met with what was meant")
    func slips() throws {
        let verb = try Program.run("log", "exprot")
        #expect(verb.code == 2 && verb.err.contains("did you mean `argent log export`?"))
        let nothing = try Program.run("log", "export", "/tmp", "--into", "/tmp/x")
        #expect(nothing.code == 2 && nothing.err.contains("say what to write"))
    }
}
