import Quantities
import RunLog

/// A short campaign, written by hand: two conditions of run 1, one droplet of each, the second
/// with invalid points, then a broken attempt.
enum ExportSamples {
    static let configuration = """
        [campaign]
        name = "small, but µ"
        [loss]
        from = "400 nm"
        through = "402.5 nm"
        step = "0.5 nm"
        [[variable]]
        name = "Q_seed"
        kind = "number"
        bounds = [1, 5]
        [[variable]]
        name = "T, bath"
        kind = "number"
        bounds = [20, 80]
        [of_a_later_version]
        key = 1
        """
    static let spectrum: [Float] = [0.1, 0.25, 1.0000005, -0.0375, 0.5, 2]
    static let holed: [Float] = [0.1, .nan, 0.3, 0.4, .infinity, 0.6]

    static var records: [Record] {
        let bodies: [Record.Body] = [
            .start(version: "9", bootIdentifier: "b", seed: 7, continues: false),
            .configuration(text: configuration, sha256: "00"),
            .decision(
                DecisionRecord(
                    run: 1, method: "two-step", lows: [1, 20], highs: [5, 80],
                    recipes: [[2.5, 60], [3, 70.125]], basedOn: [],
                    model: [NamedValue(name: "noise", value: .nan)],
                    proposers: ["gaussian-process", "network"])),
            .recipe(run: 1, condition: 1, attempt: 1, values: [2.5, 60]),
            .droplet(droplet(condition: 1, attempt: 1, spectrum)),
            .conditionEnd(end(condition: 1, attempt: 1, outcome: "complete", loss: 0.125)),
            .recipe(run: 1, condition: 2, attempt: 1, values: [3, 70.125]),
            .conditionEnd(end(condition: 2, attempt: 1, outcome: "abandoned", loss: nil)),
            .recipe(run: 1, condition: 2, attempt: 2, values: [3, 70.125]),
            .droplet(droplet(condition: 2, attempt: 2, holed)),
            .conditionEnd(end(condition: 2, attempt: 2, outcome: "complete", loss: 0.25)),
            .stop(reason: "said \"enough\",\nand went"),
        ]
        return bodies.enumerated().map { index, body in
            Record(
                at: Instant(nanoseconds: Int64(index) * 1_000_000_000),
                wall: WallTime(unixNanoseconds: (1_700_000_000 + Int64(index)) * 1_000_000_000),
                body: body)
        }
    }

    static var entries: [JournalEntry] {
        records.enumerated().map { .record(sequence: UInt64($0 + 1), $1) }
    }

    private static func droplet(
        condition: Int, attempt: Int, _ absorbance: [Float]
    ) -> DropletRecord {
        DropletRecord(
            condition: condition, attempt: attempt, index: 0,
            enteredAt: Instant(nanoseconds: 1_000_000_000),
            leftAt: Instant(nanoseconds: 1_250_000_000), plateau: 9, loss: 0.5,
            maximumAbsorbance: 2, absorbance: absorbance)
    }

    private static func end(
        condition: Int, attempt: Int, outcome: String, loss: Double?
    ) -> ConditionRecord {
        ConditionRecord(
            run: 1, condition: condition, attempt: attempt, outcome: outcome, droplets: 1,
            medianLoss: loss, reason: loss == nil ? "held, \"stirrer\"" : "")
    }
}
