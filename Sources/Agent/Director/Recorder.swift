import Configuration
import Numerics
import Quantities
import Rig
import RunLog
import Spectra
import World

/// Turns what the rig reports into records with their times, and notices when the time of day
/// jumps.
struct Recorder {
    /// For the names of the pumps, which never change while it lives.
    private let settings: Settings
    private let clock: any Timekeeper
    private var clockOffset: Int64
    /// Why the condition that ends next does so early; empty when it does not.
    private var earlyEnd = ""
    /// Jumps of the time of day smaller than this are the ordinary discipline of a clock.
    static let clockStepThreshold = TimeSpan.milliseconds(500)

    init(settings: Settings, clock: any Timekeeper) {
        self.settings = settings
        self.clock = clock
        clockOffset = clock.wallTime.unixNanoseconds - clock.now.nanoseconds
    }

    /// A record of `body`, now.
    func record(_ body: Record.Body) -> Record {
        Record(at: clock.now, wall: clock.wallTime, body: body)
    }

    /// A record of `body`, which is as old as `then`.
    func record(_ body: Record.Body, at then: Instant) -> Record {
        let age = clock.now - then
        let wall = clock.wallTime.unixNanoseconds - age.nanoseconds
        return Record(at: then, wall: WallTime(unixNanoseconds: wall), body: body)
    }

    /// A record of a jump of the time of day since the last call, if there was one.
    mutating func clockStep() -> Record? {
        let offset = clock.wallTime.unixNanoseconds - clock.now.nanoseconds
        let step = offset - clockOffset
        guard abs(step) > Self.clockStepThreshold.nanoseconds else { return nil }
        clockOffset = offset
        return record(.clockStep(nanoseconds: step))
    }

    /// What the log keeps of `report`.
    mutating func bodies(of report: RigReport) -> [Record.Body] {
        switch report {
        case .state(let state, let because):
            return [.event(kind: "state", text: "\(state.rawValue) (\(because.rawValue))")]
        case .conditionBegan(let order):
            return [
                .recipe(
                    run: order.run, condition: order.number, attempt: order.attempt,
                    values: order.recipe)
            ]
        case .setpoints(let rates):
            return [
                .setpoints(
                    zip(settings.pumps, rates).map {
                        NamedValue(name: $0.name, value: $1.microlitersPerMinute)
                    })
            ]
        case .droplet(let droplet): return [.droplet(Self.record(of: droplet))]
        case .flagged(let order, let departure):
            return [.event(kind: "droplet-flagged", text: Self.text(of: order, departure))]
        case .endsEarly(let order, let known):
            earlyEnd = Self.text(of: order, known)
            return [.event(kind: "ended-early", text: earlyEnd)]
        case .conditionEnded(let order, let outcome):
            defer { earlyEnd = "" }
            return [.conditionEnd(record(of: order, outcome))]
        case .spectra(let kept): return [.spectra(Self.record(of: kept))]
        case .remaining(let volumes):
            return [
                .readings(
                    zip(settings.pumps, volumes).map {
                        NamedReading(
                            name: Self.remainingPrefix + $0.name, value: $1.microliters)
                    })
            ]
        case .event(let kind, let words):
            return [.event(kind: kind, text: words.description)]
        case .fault(let fault):
            return [.fault(kind: fault.kind, text: fault.text, latched: fault.latching)]
        }
    }

    /// Readings of what is left in a syringe are named by this and the pump's name.
    static let remainingPrefix = "remaining_uL/"

    private static func record(of droplet: MeasuredDroplet) -> DropletRecord {
        DropletRecord(
            condition: droplet.order.number, attempt: droplet.order.attempt,
            index: droplet.index, enteredAt: droplet.enteredAt, leftAt: droplet.leftAt,
            plateau: droplet.plateau, loss: droplet.loss,
            maximumAbsorbance: droplet.maximumAbsorbance,
            absorbance: droplet.absorbance.map(Float.init))
    }

    private func record(
        of order: ConditionOrder, _ outcome: ConditionOutcome
    ) -> ConditionRecord {
        var record = ConditionRecord(
            run: order.run, condition: order.number, attempt: order.attempt, outcome: "",
            droplets: 0, medianLoss: nil, reason: "")
        switch outcome {
        case .complete(let losses):
            record.outcome = ConditionRecord.complete
            record.droplets = losses.count
            record.medianLoss = median(of: losses)
            record.reason = earlyEnd
        case .failed(let reason):
            record.outcome = ConditionRecord.failed
            record.reason = reason.description
        case .abandoned(let reason):
            record.outcome = ConditionRecord.abandoned
            record.reason = reason.description
        }
        return record
    }

    private static func record(of kept: KeptSpectra) -> SpectraRecord {
        SpectraRecord(
            kind: kept.kind, scans: kept.scans, integration: kept.plan.integration,
            firstPixel: kept.plan.firstPixel, pixelStep: kept.plan.pixelStep,
            maximumCount: kept.maximumCount, counts: kept.counts.map(Float.init))
    }
}

extension ConditionRecord {
    /// Enough droplets: the condition counts.
    public static let complete = "complete"
    /// Given up: no data.
    public static let failed = "failed"
    /// Broken off: it will be tried again.
    public static let abandoned = "abandoned"
}
