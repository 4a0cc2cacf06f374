import Foundation
import TestSupport
import Testing
import World

/// Whether Debian's Python has the parser of Prometheus' client library.
private let pythonReads: Bool = {
    let child = try? Child(
        "/usr/bin/python3", ["-c", "import prometheus_client.openmetrics.parser"],
        output: "/dev/null", error: "/dev/null")
    return child?.wait() == 0
}()

/// Reads the file named by its argument, and prints name, type and number of samples of every
/// family; then every sample.
private let parser = """
    import sys
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
    from prometheus_client import parser as older
    text = open(sys.argv[1], newline="").read()
    # The format before OpenMetrics, which textfile collectors read: the same samples.
    before = sum(len(f.samples) for f in older.text_string_to_metric_families(text))
    after = sum(len(f.samples) for f in text_string_to_metric_families(text))
    assert before == after > 0, (before, after)
    for family in text_string_to_metric_families(text):
        print("family", family.name, family.type, family.unit or "-", len(family.samples))
        for s in family.samples:
            print("sample", s.name, s.value, *(f"{k}={v}" for k, v in sorted(s.labels.items())))
    """

/// What a real run of the program wrote, once for all tests here.
private struct WrittenNumbers: Sendable {
    let folder: TestFolder
    var path: String { folder["metrics.prom"] }
    let wasRemoved: Bool
    let printed: String
    let watched: String
    let support: String

    static let shared = Result { try WrittenNumbers() }

    init() throws {
        let rig = try Simulation("--runs", "1", "--batch", "2")
        try FileManager.default.createDirectory(
            atPath: rig.folder["argent.d"], withIntermediateDirectories: true)
        try rig.folder.write(
            "argent.d/metrics.toml", "[metrics]\nfile = \"metrics.prom\"\nperiod = \"1 s\"\n")
        let agent = try RunningAgent(rig)
        let file = rig.folder["metrics.prom"]
        let own = try TestFolder()
        folder = own
        var text = ""
        // Two conditions make a run's loss.
        try waitUntil("numbers with a droplet", seconds: 40) {
            guard agent.isRunning else { throw TooLate(description: try agent.printed) }
            text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
            return text.contains("\nargent_last_droplet_loss ")
        }
        try folder.write("metrics.prom", text)
        let eyes = try Child(
            Program.path, ["watch", "--socket", rig.folder["control"], "--every", "0.2"],
            output: folder["watched"], error: folder["watched"])
        let bundled = try Program.run(
            "support", "--config", rig.configuration, "--output", folder["s.tar.zst"])
        support = bundled.out + bundled.err
        try waitUntil("a line of `argent watch`", seconds: 10) {
            try own.text("watched").contains("\n")
        }
        kill(eyes.identifier, SIGTERM)
        eyes.wait()
        watched = try folder.text("watched")
        agent.end(SIGTERM)
        wasRemoved = !Files.exists(file)
        printed = try agent.printed
    }

    /// The names of all samples that the file may have, by the families it declares.
    func names() throws -> Set<String> {
        var names: Set<String> = []
        for line in try folder.text("metrics.prom").split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, words[1] == "TYPE" else { continue }
            switch words[3] {
            case "counter": names.insert(words[2] + "_total")
            case "histogram":
                for end in ["_bucket", "_count", "_sum"] { names.insert(words[2] + end) }
            default: names.insert(words[2])
            }
        }
        return names
    }
}

@Suite("Numbers for monitoring")
struct MetricsTests {
    @Test(
        "an independent parser reads every family, and the numbers are those of the rig",
        .enabled(if: pythonReads, "python3-prometheus-client is not installed"))
    func parsed() throws {
        let numbers = try WrittenNumbers.shared.get()
        let folder = try TestFolder()
        let child = try Child(
            "/usr/bin/python3", ["-c", parser, numbers.path], output: folder["out"],
            error: folder["err"])
        let complaint = try folder.text("err")
        #expect(child.wait() == 0, "\(complaint)")
        let lines = try folder.text("out").split(separator: "\n").map {
            $0.split(separator: " ").map(String.init)
        }
        let families = lines.filter { $0.first == "family" }
        #expect(families.count > 40)
        func value(_ name: String, _ label: String? = nil) -> Double? {
            lines.first {
                $0[0] == "sample" && $0[1] == name
                    && (label == nil || $0.dropFirst(3).contains(label ?? ""))
            }.flatMap { Double($0[2]) }
        }
        let states = lines.filter { $0[0] == "sample" && $0[1] == "argent_state" }
        #expect(states.compactMap { Double($0[2]) }.reduce(0, +) == 1)
        #expect(try #require(value("argent_droplets_total")) >= 1)
        #expect(value("argent_pump_ready", "pump=oil") == 1)
        #expect(value("argent_fault", "hazard=interlock") == 0)
        #expect(value("argent_conditions_planned") == 2)
        #expect(try #require(value("argent_log_free_bytes")) > 1e6)
        #expect(value("argent_log_segments_unsealed") == 1)
        let written = try #require(value("argent_written_timestamp_seconds"))
        #expect(abs(written - Date().timeIntervalSince1970) < 300)
        // Half of 100 to 1000 µL/min is oil: 0.8 to 9 µL/s.
        let flow = try #require(value("argent_pump_set_liters_per_second", "pump=oil"))
        #expect(flow == 0 || (8e-7...9e-6).contains(flow))
        try histogram(lines)
    }

    private func histogram(_ lines: [[String]]) throws {
        let name = "argent_rig_lateness_seconds"
        let buckets = lines.filter { $0[0] == "sample" && $0[1] == name + "_bucket" }
        let counts = buckets.compactMap { Double($0[2]) }
        #expect(counts.count == 22 && counts == counts.sorted())
        let total = lines.first { $0.count > 2 && $0[1] == name + "_count" }.map { Double($0[2]) }
        #expect(counts.last == total)
        #expect(try #require(counts.last) > 100)
    }

    @Test("rules and dashboard name only what is written")
    func names() throws {
        let known = try WrittenNumbers.shared.get().names()
        let files = SourceTree.files(under: "board/monitoring", endings: [".yml", ".json"])
        #expect(files.count == 2)
        for file in files {
            let named = Self.names(in: file.text, file.path)
            #expect(named.count > 10, "\(file.path)")
            let unknown = named.subtracting(known)
            #expect(unknown.isEmpty, "\(file.path) names \(unknown.sorted())")
        }
    }

    /// The metric names in the expressions of a rules file or a dashboard.
    private static func names(in text: String, _ path: String) -> Set<String> {
        var names: Set<String> = []
        let prefix = "argent_"
        var rest = text[...]
        while let start = rest.range(of: prefix) {
            let word = rest[start.lowerBound...].prefix {
                $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")
            }
            names.insert(String(word))
            rest = rest[word.endIndex...]
        }
        return names
    }

    @Test("the rules are YAML and the dashboard JSON, with what their readers want")
    func shapes() throws {
        for file in SourceTree.files(under: "board/monitoring", endings: [".json"]) {
            let value = try JSONSerialization.jsonObject(with: Data(file.text.utf8))
            let dashboard = try #require(value as? [String: Any])
            let panels = try #require(dashboard["panels"] as? [[String: Any]])
            #expect(panels.count > 10)
            for panel in panels {
                let targets = try #require(panel["targets"] as? [[String: Any]])
                #expect(targets.allSatisfy { $0["expr"] is String })
            }
        }
        let rules = SourceTree.files(under: "board/monitoring", endings: [".yml"])[0].text
        let count = rules.components(separatedBy: "- alert: ").count - 1
        #expect(count >= 15)
        #expect(rules.components(separatedBy: "expr: ").count - 1 == count)
        #expect(rules.components(separatedBy: "summary: ").count - 1 == count)
    }

    @Test("argent watch and argent support understand a real agent")
    func eyes() throws {
        let numbers = try WrittenNumbers.shared.get()
        #expect(numbers.watched.contains("run 1 of 1, "), "\(numbers.watched)")
        #expect(numbers.watched.contains(" of 2 done"), "\(numbers.watched)")
        // Two of configuration, status, numbers, log twice, board, versions, unit, contents.
        #expect(numbers.support.contains(": 10 files"), "\(numbers.support)")
    }

    @Test("an orderly end takes the file away: numbers of an agent that is gone are no news")
    func removed() throws {
        #expect(try WrittenNumbers.shared.get().wasRemoved)
    }

    @Test("a place that cannot be written is told, and the campaign goes on")
    func unwritable() throws {
        let rig = try Simulation("--runs", "1", "--batch", "1")
        try FileManager.default.createDirectory(
            atPath: rig.folder["argent.d"], withIntermediateDirectories: true)
        try rig.folder.write(
            "argent.d/metrics.toml", "[metrics]\nfile = \"/proc/nowhere/metrics.prom\"\n")
        let agent = try RunningAgent(rig)
        try waitUntil("it is told", seconds: 20) {
            try agent.printed.contains("[metrics] file cannot be written")
        }
        #expect(agent.isRunning)
        agent.end(SIGTERM)
    }
}
