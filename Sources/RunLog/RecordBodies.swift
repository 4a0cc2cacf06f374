import Quantities

// Type numbers and field keys are the format (FORMAT.md): new ones may be added at the end, none
// is ever given another meaning.

extension Record.Body {
    /// The type number in the log.
    var type: UInt64 {
        switch self {
        case .start: 1
        case .configuration: 2
        case .decision: 3
        case .recipe: 4
        case .setpoints: 5
        case .readings: 6
        case .droplet: 7
        case .spectra: 8
        case .conditionEnd: 9
        case .event: 10
        case .fault: 11
        case .operatorAction: 12
        case .clockStep: 13
        case .stop: 14
        case .spectraBlock: 15
        }
    }

    /// The names of all records, by their type numbers from 1 on, as FORMAT.md has them.
    public static let names = [
        "start", "configuration", "decision", "recipe", "setpoints", "readings", "droplet",
        "spectra", "condition end", "event", "fault", "operator action", "clock step", "stop",
        "spectra block",
    ]

    /// The record's name.
    public var name: String { Self.names[Int(type) - 1] }

    /// Writes the map of fields.
    func write(into writer: inout CBORWriter) {
        switch self {
        case .start(let version, let bootIdentifier, let seed, let continues):
            writer.fields(.text(version), .text(bootIdentifier), .unsigned(seed), .flag(continues))
        case .configuration(let text, let sha256):
            writer.fields(.text(text), .text(sha256))
        case .decision(let decision):
            writer.fields(
                .int(decision.run), .text(decision.method), .doubles(decision.lows),
                .doubles(decision.highs), .rows(decision.recipes), .ints(decision.basedOn),
                .readings(decision.model.map { NamedReading(name: $0.name, value: $0.value) }),
                .texts(decision.proposers), .proposers(decision.comparison),
                .floats(decision.expected), .double(decision.expectedSpread))
        case .recipe(let run, let condition, let attempt, let values):
            writer.fields(.int(run), .int(condition), .int(attempt), .doubles(values))
        case .setpoints(let values):
            writer.fields(.readings(values.map { NamedReading(name: $0.name, value: $0.value) }))
        case .readings(let readings):
            writer.fields(.readings(readings))
        case .droplet(let droplet):
            writer.fields(
                .int(droplet.condition), .int(droplet.attempt), .int(droplet.index),
                .integer(droplet.enteredAt.nanoseconds), .integer(droplet.leftAt.nanoseconds),
                .int(droplet.plateau), .double(droplet.loss), .double(droplet.maximumAbsorbance),
                .floats(droplet.absorbance))
        case .spectra(let spectra):
            writer.fields(
                .text(spectra.kind), .int(spectra.scans),
                .integer(spectra.integration.nanoseconds), .int(spectra.firstPixel),
                .int(spectra.pixelStep), .int(spectra.maximumCount), .floats(spectra.counts))
        case .conditionEnd(let end):
            writer.fields(
                .int(end.run), .int(end.condition), .int(end.attempt), .text(end.outcome),
                .int(end.droplets), .optional(end.medianLoss), .text(end.reason))
        case .event(let kind, let text), .operatorAction(let kind, let text):
            writer.fields(.text(kind), .text(text))
        case .fault(let kind, let text, let latched):
            writer.fields(.text(kind), .text(text), .flag(latched))
        case .clockStep(let nanoseconds):
            writer.fields(.integer(nanoseconds))
        case .stop(let reason):
            writer.fields(.text(reason))
        case .spectraBlock(let block):
            writer.fields(
                .text(block.kind), .integer(block.firstAt.nanoseconds),
                .integer(block.interval.nanoseconds), .integers(block.deviations),
                .integer(block.integration.nanoseconds), .int(block.firstPixel),
                .int(block.pixelStep), .int(block.frames), .int(block.pixels),
                .bytes(block.coded), .optional(block.errorFactor.map(Double.init)))
        }
    }

    /// The body of `type` from its fields; nil for a type this program does not know.
    init?(type: UInt64, _ f: RecordFields) throws(RecordError) {
        switch type {
        case 1:
            self = .start(
                version: try f.text(1), bootIdentifier: try f.text(2), seed: try f.unsigned(3),
                continues: try f.boolean(4))
        case 2: self = .configuration(text: try f.text(1), sha256: try f.text(2))
        case 3: self = .decision(try DecisionRecord(f))
        case 4:
            self = .recipe(
                run: try f.int(1), condition: try f.int(2), attempt: try f.int(3),
                values: try f.doubles(4))
        case 5: self = .setpoints(try f.values(1))
        case 6: self = .readings(try f.readings(1))
        case 7: self = .droplet(try DropletRecord(f))
        case 8: self = .spectra(try SpectraRecord(f))
        case 9: self = .conditionEnd(try ConditionRecord(f))
        case 10: self = .event(kind: try f.text(1), text: try f.text(2))
        case 11: self = .fault(kind: try f.text(1), text: try f.text(2), latched: try f.boolean(3))
        case 12: self = .operatorAction(kind: try f.text(1), text: try f.text(2))
        case 13: self = .clockStep(nanoseconds: try f.integer(1))
        case 14: self = .stop(reason: try f.text(1))
        case 15: self = .spectraBlock(try SpectraBlockRecord(f))
        default: return nil
        }
    }
}

extension DecisionRecord {
    fileprivate init(_ f: RecordFields) throws(RecordError) {
        self.init(
            run: try f.int(1), method: try f.text(2), lows: try f.doubles(3),
            highs: try f.doubles(4), recipes: try f.rows(5), basedOn: try f.ints(6),
            model: try f.values(7), proposers: try f.has(8) ? f.texts(8) : [],
            comparison: try f.has(9) ? f.proposers(9) : [],
            expected: try f.has(10) ? f.floats(10) : [],
            expectedSpread: try f.has(11) ? f.double(11) : 0)
    }
}

extension DropletRecord {
    fileprivate init(_ f: RecordFields) throws(RecordError) {
        self.init(
            condition: try f.int(1), attempt: try f.int(2), index: try f.int(3),
            enteredAt: Instant(nanoseconds: try f.integer(4)),
            leftAt: Instant(nanoseconds: try f.integer(5)), plateau: try f.int(6),
            loss: try f.double(7), maximumAbsorbance: try f.double(8),
            absorbance: try f.floats(9))
    }
}

extension SpectraRecord {
    fileprivate init(_ f: RecordFields) throws(RecordError) {
        self.init(
            kind: try f.text(1), scans: try f.int(2),
            integration: TimeSpan(nanoseconds: try f.integer(3)), firstPixel: try f.int(4),
            pixelStep: try f.int(5), maximumCount: try f.int(6), counts: try f.floats(7))
    }
}

extension SpectraBlockRecord {
    fileprivate init(_ f: RecordFields) throws(RecordError) {
        self.init(
            kind: try f.text(1), firstAt: Instant(nanoseconds: try f.integer(2)),
            interval: TimeSpan(nanoseconds: try f.integer(3)), deviations: try f.integers(4),
            integration: TimeSpan(nanoseconds: try f.integer(5)), firstPixel: try f.int(6),
            pixelStep: try f.int(7), frames: try f.int(8), pixels: try f.int(9),
            coded: try f.bytes(10), errorFactor: try f.optionalDouble(11).map(Float.init))
    }
}

extension ConditionRecord {
    fileprivate init(_ f: RecordFields) throws(RecordError) {
        self.init(
            run: try f.int(1), condition: try f.int(2), attempt: try f.int(3),
            outcome: try f.text(4), droplets: try f.int(5), medianLoss: try f.optionalDouble(6),
            reason: try f.text(7))
    }
}

/// One field's value on its way into the log.
private enum FieldValue {
    case text(String)
    case unsigned(UInt64)
    case int(Int)
    case integer(Int64)
    case flag(Bool)
    case double(Double)
    case optional(Double?)
    case doubles([Double])
    case floats([Float])
    case rows([[Double]])
    case ints([Int])
    case readings([NamedReading])
    case texts([String])
    case proposers([ProposerRecord])
    case integers([Int64])
    case bytes([UInt8])
}

extension CBORWriter {
    /// A map with the keys 1, 2, 3… in order.
    fileprivate mutating func fields(_ values: FieldValue...) {
        map(values.count)
        for (index, value) in values.enumerated() {
            unsigned(UInt64(index + 1))
            write(value)
        }
    }

    private mutating func write(_ value: FieldValue) {
        switch value {
        case .text(let text): self.text(text)
        case .unsigned(let number): unsigned(number)
        case .int(let number): integer(Int64(number))
        case .integer(let number): integer(number)
        case .flag(let yes): boolean(yes)
        case .double(let number): double(number)
        case .optional(let number): optional(number)
        case .doubles(let numbers): doubles(numbers)
        case .floats(let numbers): floats(numbers)
        case .rows(let rows):
            array(rows.count)
            for row in rows { doubles(row) }
        case .ints(let numbers):
            array(numbers.count)
            for number in numbers { integer(Int64(number)) }
        case .integers(let numbers):
            array(numbers.count)
            for number in numbers { integer(number) }
        case .bytes(let content): byteString(content)
        case .readings(let readings):
            array(readings.count)
            for reading in readings {
                array(2)
                text(reading.name)
                optional(reading.value)
            }
        case .texts(let texts):
            array(texts.count)
            for text in texts { self.text(text) }
        case .proposers(let rows):
            array(rows.count)
            for row in rows {
                array(5)
                integer(Int64(row.run))
                text(row.proposer)
                integer(Int64(row.conditions))
                double(row.bestLoss)
                double(row.medianLoss)
            }
        }
    }

    private mutating func optional(_ value: Double?) {
        if let value { double(value) } else { null() }
    }
}
