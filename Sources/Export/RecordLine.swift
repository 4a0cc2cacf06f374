import Quantities
import RunLog

/// Records for people, one line each: what `argent log cat` prints.
public enum RecordLine {
    /// `entry` on one line, without what could command a terminal.
    public static func text(_ entry: JournalEntry) -> String {
        switch entry {
        case .record(let sequence, let record):
            let text = said(by: record.body)
            return plain(
                "\(record.wall.iso8601)  \(padded(sequence))  \(record.body.name): \(text)")
        case .unknown(let sequence, let type):
            return "\(nowhen)  \(padded(sequence))  a record of type \(type), which this version "
                + "does not know"
        case .unreadable(let sequence, let error):
            return plain("\(nowhen)  \(padded(sequence))  unreadable: \(error)")
        case .gap(let gap):
            return "\(nowhen)  MISSING  \(gap.missingRecords) records, \(gap.bytes.count) damaged "
                + "bytes"
        }
    }

    /// As wide as a time.
    private static let nowhen = String(repeating: " ", count: 24)

    private static func padded(_ sequence: UInt64) -> String {
        let digits = String(sequence)
        return String(repeating: " ", count: max(0, 7 - digits.count)) + digits
    }

    private static func said(by body: Record.Body) -> String {
        switch body {
        case .start(let version, _, let seed, let continues):
            return "argent \(version), seed \(seed)\(continues ? ", goes on" : ", begins")"
        case .configuration(let text, let sha256):
            return "\(text.utf8.count) bytes, sha256 \(sha256)"
        case .decision(let decision):
            return "run \(decision.run) by \(decision.method): \(decision.recipes.count) recipes "
                + "from \(decision.basedOn.count) conditions"
        case .recipe(let run, let condition, let attempt, let values):
            return "run \(run), condition \(condition), attempt \(attempt): "
                + values.map(written).joined(separator: ", ")
        case .setpoints(let values):
            return values.map { "\($0.name) \(written($0.value))" }.joined(separator: ", ")
                + " µL/min"
        case .readings(let readings):
            return readings.map { "\($0.name) \($0.value.map(written) ?? "missing")" }
                .joined(separator: ", ")
        case .droplet(let droplet):
            return "condition \(droplet.condition), attempt \(droplet.attempt), droplet "
                + "\(droplet.index): loss \(written(droplet.loss)), largest absorbance "
                + written(droplet.maximumAbsorbance)
        case .spectra(let spectra):
            return "\(spectra.kind), \(spectra.scans) scans of \(spectra.integration.milliseconds) "
                + "ms, \(spectra.counts.count) pixels, largest count \(spectra.maximumCount)"
        case .spectraBlock(let block):
            return "\(block.kind), \(block.frames) frames of \(block.pixels) pixels in "
                + "\(block.coded.count) bytes"
        case .conditionEnd(let end):
            let loss = end.medianLoss.map { ", median loss \(written($0))" } ?? ""
            let reason = end.reason.isEmpty ? "" : " (\(end.reason))"
            return "run \(end.run), condition \(end.condition), attempt \(end.attempt): "
                + "\(end.outcome), \(end.droplets) droplets\(loss)\(reason)"
        case .event(let kind, let text), .operatorAction(let kind, let text):
            return "\(kind): \(text)"
        case .fault(let kind, let text, let latched):
            return "\(kind): \(text)\(latched ? " (until cleared)" : "")"
        case .clockStep(let nanoseconds):
            return "the time of day jumped by \(written(Double(nanoseconds) / 1e9)) s"
        case .stop(let reason): return reason
        }
    }

    /// Four digits after the point at most: for reading, not for computing.
    private static func written(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e9 else { return "\(value)" }
        let text = "\((value * 10_000).rounded() / 10_000)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// `text` on one line, without control characters.
    private static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
                    return isControl ? " " : scalar
                }))
    }
}
