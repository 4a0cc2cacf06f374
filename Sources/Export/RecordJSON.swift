import Quantities
import RunLog

/// Records as JSON, one object a line: what `argent log cat --json` prints. Numbers JSON cannot
/// say (NaN, infinity, missing) are null.
public enum RecordJSON {
    /// `entry` on one line. Spectra, which are long, are left out unless `withSpectra`; their
    /// number of points stays.
    public static func line(_ entry: JournalEntry, withSpectra: Bool) -> String {
        JSONText.object { json in
            switch entry {
            case .record(let sequence, let record):
                json.member("sequence", Int(clamping: sequence))
                json.member("time", record.wall.iso8601)
                json.member("monotonic_ns", Int(clamping: record.at.nanoseconds))
                json.member("type", record.body.name)
                fields(of: record.body, withSpectra: withSpectra, into: &json)
            case .unknown(let sequence, let type):
                json.member("sequence", Int(clamping: sequence))
                json.member("type", "unknown")
                json.member("number", Int(clamping: type))
            case .unreadable(let sequence, let error):
                json.member("sequence", Int(clamping: sequence))
                json.member("type", "unreadable")
                json.member("text", "\(error)")
            case .gap(let gap):
                json.member("type", "gap")
                json.member("missing_records", Int(clamping: gap.missingRecords))
                json.member("damaged_bytes", gap.bytes.count)
            }
        }
    }

    private static func fields(
        of body: Record.Body, withSpectra: Bool, into json: inout JSONText
    ) {
        switch body {
        case .start(let version, let bootIdentifier, let seed, let continues):
            json.member("version", version)
            json.member("boot", bootIdentifier)
            json.member("seed", Int(clamping: seed))
            json.member("continues", continues)
        case .configuration(let text, let sha256):
            json.member("sha256", sha256)
            json.member("text", text)
        case .decision(let decision):
            fields(of: decision, withSpectra: withSpectra, into: &json)
        case .recipe(let run, let condition, let attempt, let values):
            json.member("run", run)
            json.member("condition", condition)
            json.member("attempt", attempt)
            json.numbers("values", values)
        case .setpoints(let values):
            json.named("microliters_per_minute", values.map { ($0.name, $0.value) })
        case .readings(let readings):
            json.named("values", readings.map { ($0.name, $0.value) })
        case .droplet(let droplet): fields(of: droplet, withSpectra: withSpectra, into: &json)
        case .spectra(let spectra): fields(of: spectra, withSpectra: withSpectra, into: &json)
        case .spectraBlock(let block): fields(of: block, withSpectra: withSpectra, into: &json)
        case .conditionEnd(let end): fields(of: end, into: &json)
        case .event(let kind, let text), .operatorAction(let kind, let text):
            json.member("kind", kind)
            json.member("text", text)
        case .fault(let kind, let text, let latched):
            json.member("kind", kind)
            json.member("text", text)
            json.member("latched", latched)
        case .clockStep(let nanoseconds): json.member("nanoseconds", Int(clamping: nanoseconds))
        case .stop(let reason): json.member("reason", reason)
        }
    }

    private static func fields(
        of decision: DecisionRecord, withSpectra: Bool, into json: inout JSONText
    ) {
        json.member("run", decision.run)
        json.member("method", decision.method)
        json.numbers("lows", decision.lows)
        json.numbers("highs", decision.highs)
        json.key("recipes")
        json.array { rows in
            for recipe in decision.recipes { rows.numbers(recipe) }
        }
        json.key("proposers")
        json.array { texts in for proposer in decision.proposers { texts.string(proposer) } }
        json.key("based_on")
        json.array { numbers in for number in decision.basedOn { numbers.number(Double(number)) } }
        json.named("model", decision.model.map { ($0.name, $0.value) })
        json.key("comparison")
        json.array { rows in
            for row in decision.comparison {
                rows.object { json in
                    json.member("run", row.run)
                    json.member("proposer", row.proposer)
                    json.member("conditions", row.conditions)
                    json.member("best_loss", row.bestLoss)
                    json.member("median_loss", row.medianLoss)
                }
            }
        }
        json.member("expected_spread", decision.expectedSpread)
        json.spectrum("expected", decision.expected, in: withSpectra)
    }

    private static func fields(
        of droplet: DropletRecord, withSpectra: Bool, into json: inout JSONText
    ) {
        json.member("condition", droplet.condition)
        json.member("attempt", droplet.attempt)
        json.member("index", droplet.index)
        json.member("entered_ns", Int(clamping: droplet.enteredAt.nanoseconds))
        json.member("left_ns", Int(clamping: droplet.leftAt.nanoseconds))
        json.member("plateau", droplet.plateau)
        json.member("loss", droplet.loss)
        json.member("maximum_absorbance", droplet.maximumAbsorbance)
        json.spectrum("absorbance", droplet.absorbance, in: withSpectra)
    }

    private static func fields(
        of spectra: SpectraRecord, withSpectra: Bool, into json: inout JSONText
    ) {
        json.member("kind", spectra.kind)
        json.member("scans", spectra.scans)
        json.member("integration_ns", Int(clamping: spectra.integration.nanoseconds))
        json.member("first_pixel", spectra.firstPixel)
        json.member("pixel_step", spectra.pixelStep)
        json.member("maximum_count", spectra.maximumCount)
        json.spectrum("counts", spectra.counts, in: withSpectra)
    }

    private static func fields(
        of block: SpectraBlockRecord, withSpectra: Bool, into json: inout JSONText
    ) {
        json.member("kind", block.kind)
        json.member("frames", block.frames)
        json.member("pixels", block.pixels)
        json.member("integration_ns", Int(clamping: block.integration.nanoseconds))
        json.member("first_pixel", block.firstPixel)
        json.member("pixel_step", block.pixelStep)
        json.member("error_factor", block.errorFactor.map(Double.init))
        json.member("bytes", block.coded.count)
        guard withSpectra else { return }
        json.key("times_ns")
        json.array { times in for time in block.times { times.number(Double(time.nanoseconds)) } }
        json.key("counts")
        json.array { rows in
            // A block that cannot be decoded leaves the list empty; `verify` tells.
            guard let decoded = try? block.decoded(by: SpectralDecoder()) else { return }
            for frame in 0..<decoded.frames {
                rows.array { counts in
                    let start = frame * decoded.pixels
                    for count in decoded.counts[start..<start + decoded.pixels] {
                        counts.number(Double(count))
                    }
                }
            }
        }
    }

    private static func fields(of end: ConditionRecord, into json: inout JSONText) {
        json.member("run", end.run)
        json.member("condition", end.condition)
        json.member("attempt", end.attempt)
        json.member("outcome", end.outcome)
        json.member("droplets", end.droplets)
        json.member("median_loss", end.medianLoss)
        json.member("reason", end.reason)
    }
}

extension JSONText {
    /// Appends a member with numbers.
    fileprivate mutating func numbers(_ name: String, _ values: [Double]) {
        key(name)
        numbers(values)
    }

    /// Appends an array of numbers.
    fileprivate mutating func numbers(_ values: [Double]) {
        array { numbers in for value in values { numbers.number(value) } }
    }

    /// Appends a member with an object of numbers by name.
    fileprivate mutating func named(_ name: String, _ values: [(String, Double?)]) {
        key(name)
        object { json in for (name, value) in values { json.member(name, value) } }
    }

    /// Appends a member with a spectrum's samples, or only their number.
    fileprivate mutating func spectrum(_ name: String, _ samples: [Float], in full: Bool) {
        guard full else { return member("\(name)_points", samples.count) }
        key(name)
        // A Float's own digits: widened to Double they would be three times as many.
        array { numbers in for sample in samples { numbers.number(sample) } }
    }
}
