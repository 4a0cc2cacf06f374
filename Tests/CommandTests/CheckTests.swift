import Foundation
import TestSupport
import Testing

@Suite("argent check")
struct CheckTests {
    /// The example for a board.
    static let example = SharedData.projectRoot + "/board/argent.example.toml"

    private func example(_ change: (String) -> String) throws -> (TestFolder, String) {
        let folder = try TestFolder()
        let text = try String(contentsOfFile: Self.example, encoding: .utf8)
        return (folder, try folder.write("argent.toml", change(text)))
    }

    @Test("the example that is installed on boards is good as it is, on any machine")
    func goodExample() throws {
        let told = try Program.run("check", Self.example)
        #expect(told.code == 0)
        #expect(told.err.isEmpty)
        for word in ["8 runs of 15 conditions", "pump oil: harvard", "emergency stop", "Q_tot"] {
            #expect(told.out.contains(word), "\(word)")
        }
    }

    @Test("the table of interlocks: built-in rows and the file's own, with where they come from")
    func interlocks() throws {
        let (folder, path) = try example {
            $0 + "\n[[reaction]]\nwhen = \"pump-alarm\"\nof = \"oil\"\n"
                + "do = [\"ramp-down\", \"lamp-off\"]\nramp_time = \"4 s\"\n"
        }
        let lines = try folder.text("argent.toml").split(
            separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.lastIndex { $0.hasPrefix("when =") }) + 1
        let told = try Program.run("check", path, "--interlocks")
        #expect(told.code == 0, "\(told)")
        let rows = told.out.split(separator: "\n")
        // Aligned: every column begins where its head does.
        let head = try #require(rows.first)
        let places = try ["of", "limit", "reaction", "release", "from"].map { word in
            let range = try #require(head.range(of: " " + word))
            return head.distance(from: head.startIndex, to: range.lowerBound)
        }
        for row in rows {
            for place in places where row.count > place {
                let cell = row.index(row.startIndex, offsetBy: place)
                #expect(row[cell] == " ", "\(row)")
            }
        }
        func row(_ words: String...) -> Substring? {
            rows.first { row in words.allSatisfy { row.contains($0) } }
        }
        #expect(row("interlock ", "emergency stop", "stop-all, valves-safe, lamp-off") != nil)
        #expect(row("pump-alarm", "AgNO3, PVA, TSC, seeds, solvent", "built in") != nil)
        #expect(row("pump-alarm", "oil", "ramp-down in 4 s, lamp-off", "\(path):\(line)") != nil)
        #expect(row("instrument-lost", "every pump, spectrometer", "argent clear") != nil)
        #expect(row("clock-step", "the rig", "report", "built in") != nil)

        let json = try Program.run("check", path, "--interlocks", "--json")
        let value = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any]
        let table = try #require(value?["interlocks"] as? [[String: Any]])
        let oil = table.first {
            $0["hazard"] as? String == "pump-alarm" && $0["of"] as? String == "oil"
        }
        #expect(oil?["reaction"] as? String == "ramp-down,lamp-off")
        #expect(oil?["ramp_seconds"] as? Double == 4)
        #expect(oil?["from"] as? String == "\(path):\(line)")
    }

    @Test("an unknown key: file, line, column, and what was meant")
    func unknownKey() throws {
        let (folder, path) = try example {
            $0.replacingOccurrences(of: "loss_threshold =", with: "loss_treshold =")
        }
        defer { withExtendedLifetime(folder) {} }
        let lines = try folder.text("argent.toml").split(
            separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.firstIndex { $0.hasPrefix("loss_treshold") }) + 1
        let told = try Program.run("check", path)
        #expect(told.code == 3)
        #expect(told.out.contains("\(path):\(line):1: error"), "\(told.out)")
        #expect(told.out.contains("loss_threshold"))
    }

    @Test("broken TOML: where")
    func brokenTOML() throws {
        let folder = try TestFolder()
        let path = try folder.write("argent.toml", "[campaign]\nname = \"half\nruns = 2\n")
        let told = try Program.run("check", path)
        #expect(told.code == 3)
        #expect(told.out.contains("\(path):2:"), "\(told.out)")
        let run = try Program.run("run", "--config", path)
        #expect(run.code == 3)
        #expect(run.err.contains("\(path):2:"))
    }

    @Test("a wanted spectrum that is not there, or no spectrum, is found before the rig moves")
    func target() throws {
        let (folder, path) = try example {
            $0.replacingOccurrences(of: "target = \"\"", with: "target = \"wanted.csv\"")
        }
        let lines = try folder.text("argent.toml").split(
            separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.firstIndex { $0.hasPrefix("target") }) + 1
        for content in [nil, "wavelength,value\n400,a\n", "wavelength,value\n500,1\n600,2\n"] {
            if let content { try folder.write("wanted.csv", content) }
            let told = try Program.run("check", path)
            #expect(told.code == 3)
            #expect(told.out.contains("\(path):\(line):1: error"), "\(told.out)")
            #expect(told.out.contains(folder["wanted.csv"]))
            let run = try Program.run("run", "--config", path)
            #expect(run.code == 3)
            #expect(run.err.contains("\(path):\(line):1: error"))
        }
        try folder.write("wanted.csv", "wavelength,value\n350,0\n600,2\n900,0\n")
        #expect(try Program.run("check", path).code == 0)
    }

    @Test("drop-ins beside the file count, and are named in messages")
    func dropIns() throws {
        let (folder, path) = try example { $0 }
        try FileManager.default.createDirectory(
            atPath: folder["argent.d"], withIntermediateDirectories: false)
        try folder.write("argent.d/10-runs.toml", "[campaign]\nruns = 3\n")
        let told = try Program.run("check", path)
        #expect(told.code == 0)
        #expect(told.out.contains("3 runs of 15 conditions"))
        try folder.write("argent.d/20-slip.toml", "[campaign]\nrun = 3\n")
        let slip = try Program.run("check", path)
        #expect(slip.code == 3)
        #expect(slip.out.contains(folder["argent.d/20-slip.toml"] + ":2:1: error"))
    }

    @Test("--json is JSON, for good and for bad files")
    func json() throws {
        let good = try Program.run("check", Self.example, "--json")
        #expect(good.code == 0)
        #expect(try problems(good.out).isEmpty)
        let (folder, path) = try example {
            $0.replacingOccurrences(of: "batch = 15", with: "batsch = 15")
        }
        defer { withExtendedLifetime(folder) {} }
        let bad = try Program.run("check", path, "--json")
        #expect(bad.code == 3)
        let problem = try #require(try problems(bad.out).first)
        #expect(problem["severity"] as? String == "error")
        #expect(problem["file"] as? String == path)
        #expect(problem["column"] as? Int == 1)
        #expect((problem["line"] as? Int ?? 0) > 1)
        #expect((problem["hint"] as? String ?? "").contains("batch"))
    }

    @Test("no such file: exit code 3, said plainly")
    func missing() throws {
        let told = try Program.run("check", "/nonexistent/argent.toml")
        #expect(told.code == 3)
        #expect(told.err.contains("/nonexistent/argent.toml"))
    }

    private func problems(_ text: String) throws -> [[String: Any]] {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require((value as? [String: Any])?["problems"] as? [[String: Any]])
    }
}
