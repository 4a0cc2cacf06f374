import Foundation
import Quantities
import RunLog
import TestSupport
import Testing
import World

@testable import Export

@Suite("Exports")
struct ExportTests {
    /// Everything exported into a fresh folder.
    private func exported() throws -> (folder: String, report: ExportReport) {
        let folder = NSTemporaryDirectory() + "argent-export-\(UUID().uuidString)"
        var choice = ExportChoice()
        choice.tables = true
        choice.spectraInTables = true
        choice.jcamp = true
        choice.json = true
        var export = try LogExport(into: folder, choice)
        for entry in ExportSamples.entries { try export.take(entry) }
        try export.finish()
        return (folder, export.report)
    }

    private func text(_ folder: String, _ name: String) throws -> String {
        try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
    }

    @Test("tables: every number as it was, quoted where a comma would split it")
    func tables() throws {
        let (folder, report) = try exported()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(report.conditions == 3 && report.droplets == 2 && report.records == 12)
        #expect(report.missing == 0)
        #expect(
            try text(folder, "conditions.csv") == """
                run,condition,attempt,proposer,Q_seed,"T, bath",outcome,droplets,median_loss,\
                began,ended,reason
                1,1,1,gaussian-process,2.5,60.0,complete,1,0.125,2023-11-14T22:13:23.000Z,\
                2023-11-14T22:13:25.000Z,
                1,2,1,network,3.0,70.125,abandoned,1,,2023-11-14T22:13:26.000Z,\
                2023-11-14T22:13:27.000Z,"held, ""stirrer""\"
                1,2,2,network,3.0,70.125,complete,1,0.25,2023-11-14T22:13:28.000Z,\
                2023-11-14T22:13:30.000Z,

                """)
        #expect(
            try text(folder, "droplets.csv") == """
                run,condition,attempt,droplet,Q_seed,"T, bath",time,passage_s,spectra,loss,\
                maximum_absorbance,A400,A400.5,A401,A401.5,A402,A402.5
                1,1,1,0,2.5,60.0,2023-11-14T22:13:24.000Z,0.25,9,0.5,2.0,\
                0.1,0.25,1.0000005,-0.0375,0.5,2.0
                1,2,2,0,3.0,70.125,2023-11-14T22:13:29.000Z,0.25,9,0.5,2.0,\
                0.1,,0.3,0.4,,0.6

                """)
    }

    @Test("JCAMP-DX: read back by a reader of the standard's rules, points and gaps alike")
    func jcamp() throws {
        let (folder, report) = try exported()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(report.spectra == 2 && report.spectraLeftOut == 0)
        let whole = try text(folder, "spectra/condition-0001/droplet-0001.jdx")
        let first = try #require(JCAMPReader.read(whole))
        #expect(first.labels["DATATYPE"] == "UV/VIS SPECTRUM")
        #expect(first.labels["XUNITS"] == "NANOMETERS" && first.labels["YUNITS"] == "ABSORBANCE")
        #expect(first.labels["DATE"] == "23/11/14" && first.labels["TIME"] == "22:13:24")
        #expect(first.labels["TITLE"] == "small, but u condition 1 droplet 1")
        #expect(first.labels["$RECIPET_BATH"] == "60.0", "\(first.labels)")
        #expect(first.points.map(\.x) == [400, 400.5, 401, 401.5, 402, 402.5])
        for (point, expected) in zip(first.points, ExportSamples.spectrum) {
            #expect(abs(point.y - Double(expected)) <= 0.5e-6 + 1e-12)
        }
        let holed = try text(folder, "spectra/condition-0002/droplet-0001-attempt-2.jdx")
        let second = try #require(JCAMPReader.read(holed))
        #expect(second.points.map(\.x) == [400, 401, 401.5, 402.5])
        #expect(second.points.map { ($0.y * 1e6).rounded() } == [1e5, 3e5, 4e5, 6e5])
        for file in [whole, holed] {
            #expect(file.utf8.allSatisfy { $0 == 10 || (0x20...0x7E).contains($0) })
            #expect(file.split(separator: "\n").allSatisfy { $0.count <= 80 })
        }
    }

    @Test("a spectrum without one valid point is left out and counted")
    func nothingValid() throws {
        let spectrum = JCAMPText.Spectrum(
            title: "", origin: "", time: WallTime(unixNanoseconds: 0), firstNanometers: 1,
            stepNanometers: 1, absorbance: [.nan, .infinity])
        #expect(JCAMPText.text(spectrum) == nil)
    }

    @Test("JSON lines: another reader finds every field, and null where there is no number")
    func json() throws {
        let (folder, _) = try exported()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let lines = try text(folder, "records.jsonl").split(separator: "\n")
        #expect(lines.count == 12)
        let objects = try lines.map {
            try #require(
                JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(objects.map { $0["sequence"] as? Int } == (1...12).map { $0 })
        #expect(objects[2]["type"] as? String == "decision")
        #expect((objects[2]["model"] as? [String: Any])?["noise"] is NSNull)
        #expect((objects[2]["recipes"] as? [[Double]]) == [[2.5, 60], [3, 70.125]])
        let holed = try #require(objects[9]["absorbance"] as? [Any])
        #expect(holed[1] is NSNull && holed[3] as? Double == 0.4)
        #expect(objects[11]["reason"] as? String == "said \"enough\",\nand went")
    }

    @Test("a log whose configuration cannot be read keeps its numbers under plain names")
    func unknownConfiguration() throws {
        var tables = CampaignTables(withSpectra: true)
        for record in ExportSamples.records {
            if case .configuration = record.body { continue }
            tables.take(record)
        }
        #expect(tables.conditions.text.hasPrefix("run,condition,attempt,proposer,x1,x2,outcome"))
        #expect(tables.droplets.text.contains("maximum_absorbance,point1,point2"))
    }

    @Test("one line per record for people, and nothing in it commands a terminal")
    func lines() {
        let lines = ExportSamples.entries.map(RecordLine.text)
        #expect(lines[4].contains("condition 1, attempt 1, droplet 0: loss 0.5"))
        #expect(lines[4].hasPrefix("2023-11-14T22:13:24.000Z        5  droplet"))
        for line in lines {
            #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F })
        }
        let gap = RecordLine.text(.gap(JournalGap(bytes: 5..<9, missingRecords: 3)))
        #expect(gap.contains("MISSING") && gap.contains("3 records, 4 damaged bytes"))
    }
}

/// A reader of JCAMP-DX 4.24 as the standard describes it: labels up to `##END=`, ordinates in
/// AFFN form behind their abscissa, or pairs.
struct JCAMPReader {
    var labels: [String: String] = [:]
    var points: [(x: Double, y: Double)] = []

    static func read(_ text: String) -> JCAMPReader? {
        var reader = JCAMPReader()
        var rows: [[Double]] = []
        var form = ""
        for line in text.split(separator: "\n") {
            if line.hasPrefix("##"), let equals = line.firstIndex(of: "=") {
                let name = line[..<equals].dropFirst(2).uppercased().filter {
                    !" -/_".contains($0)
                }
                let raw = line[..<equals].dropFirst(2).uppercased().filter { $0 != " " }
                let value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
                reader.labels[raw.hasPrefix("$") ? raw : name] = value
                if name == "XYDATA" || name == "XYPOINTS" { form = name }
                if name == "END" { break }
            } else {
                let numbers = line.split { $0 == " " || $0 == "," }.map { Double($0) }
                guard !numbers.contains(nil) else { return nil }
                rows.append(numbers.compactMap { $0 })
            }
        }
        guard let yFactor = reader.labels["YFACTOR"].flatMap(Double.init),
            let count = reader.labels["NPOINTS"].flatMap(Int.init)
        else { return nil }
        switch form {
        case "XYDATA":
            guard let step = reader.labels["DELTAX"].flatMap(Double.init) else { return nil }
            for row in rows {
                // Every line starts with its own abscissa: a check of the points before it.
                for (index, y) in row.dropFirst().enumerated() {
                    reader.points.append((row[0] + Double(index) * step, y * yFactor))
                }
            }
        case "XYPOINTS":
            for row in rows where row.count == 2 {
                reader.points.append((row[0], row[1] * yFactor))
            }
        default: return nil
        }
        return reader.points.count == count ? reader : nil
    }
}
