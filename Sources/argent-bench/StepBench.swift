import Agent
import Glibc
import Instruments
import Quantities
import World

/// `argent-bench steps`: how late the steps of a stepper pump are, on lines of this machine or,
/// without `--chip`, on lines that only count.
struct StepBench {
    static let help = """
        argent-bench steps [--seconds S] [--rate R] [--chip LABEL --step N --direction N --enable N]
        Makes steps on a thread as the agent does, R per second (2000), with ramps, and prints how
        late each was, in µs, as a histogram. Lines are named as in gpioinfo.
        """

    private var seconds = 10.0
    private var rate = 2_000.0
    private var chip = ""
    private var lines = ["step": "step", "direction": "direction", "enable": "enable"]

    /// The options in `arguments`; nil when they are none.
    init?(_ arguments: some Sequence<String>) {
        var arguments = Array(arguments)[...]
        while let key = arguments.popFirst() {
            guard key.hasPrefix("--"), let value = arguments.popFirst() else { return nil }
            switch key {
            case "--seconds":
                guard let number = Double(value), number > 0, number <= 86_400 else { return nil }
                seconds = number
            case "--rate":
                guard let number = Double(value), (1...20_000).contains(number) else { return nil }
                rate = number
            case "--chip": chip = value
            case "--step", "--direction", "--enable": lines[String(key.dropFirst(2))] = value
            default: return nil
            }
        }
    }

    /// Makes the steps and prints what came of it.
    func run() throws {
        let histogram = LatenessHistogram()
        let counting = CountingLines()
        let settings = StepLines(
            step: line("step"), direction: line("direction"), enable: line("enable"),
            ramp: StepRamp(
                start: StepRate(perSecond: min(rate, 100)), fastest: StepRate(perSecond: rate),
                time: .milliseconds(500)), deadMan: .seconds(1))
        let isReal = !chip.isEmpty
        let thread = try StepThread([settings], note: { histogram.note($0) }) {
            (wanted) throws(WorldError) -> any OutputLines in
            isReal ? try GPIOLines.openOutputs(wanted) : counting
        }
        defer { thread.close() }
        let limit = Clocks.now + .seconds(5)
        while !thread.isOpen, Clocks.now < limit { Clocks.sleep(.milliseconds(1)) }
        while let notice = thread.takeNotice() { print("note: \(notice)") }
        guard thread.isOpen else { throw StepBenchError.notOpened }
        let steps = Int64(seconds * rate)
        let run = StepCommand.Order.run(steps: steps, rate: StepRate(perSecond: rate))
        _ = thread.send(StepCommand(motor: 0, serial: 1, order: run))
        // Lines that cannot keep up make the run longer, not shorter.
        let end = Clocks.now + .seconds(seconds * 4 + 10)
        while Clocks.now < end {
            thread.turn(at: Clocks.now)
            let status = thread.status(0)
            if status.serial == 1, !status.isRunning { break }
            Clocks.sleep(.milliseconds(10))
        }
        let status = thread.status(0)
        let slips = thread.slips(0)
        thread.close()
        print("lines: \(isReal ? "GPIO chip \(chip)" : "counted only, no GPIO")")
        print("steps ordered \(steps), made \(status.made), moved because late \(slips)")
        if !isReal { print("rising edges counted \(counting.edges)") }
        print(histogram.text)
    }

    private func line(_ key: String) -> OutputLineSettings {
        OutputLineSettings(
            chipLabel: chip, line: lines[key] ?? key, activeLow: false,
            safeLevel: key == "direction")
    }
}

/// Why there is nothing to measure.
enum StepBenchError: Error, CustomStringConvertible {
    /// The lines could not be taken.
    case notOpened

    var description: String { "the lines were not taken: see the notes above" }
}

/// Lines that go nowhere: the kernel's share of the time is missing.
private final class CountingLines: OutputLines, @unchecked Sendable {
    /// Written by the step thread, read after it ended.
    var edges = 0

    func set(_ index: Int, to level: Bool) throws(WorldError) {
        if index == 0, level { edges += 1 }
    }
    func close() {}
}

/// Lateness of every step: microsecond by microsecond up to 10 ms.
private final class LatenessHistogram: @unchecked Sendable {
    private static let classes = 10_000
    /// Written by the step thread alone, read after it ended.
    private let counts = UnsafeMutablePointer<Int>.allocate(capacity: classes)
    private var count = 0
    private var longest = TimeSpan.zero

    init() { counts.initialize(repeating: 0, count: Self.classes) }
    deinit { counts.deallocate() }

    func note(_ lateness: TimeSpan) {
        let micros = Int(max(0, lateness.nanoseconds) / 1_000)
        counts[min(micros, Self.classes - 1)] += 1
        count += 1
        longest = max(longest, lateness)
    }

    private func quantile(_ share: Double) -> Int {
        var passed = 0
        for micros in 0..<Self.classes {
            passed += counts[micros]
            if Double(passed) >= share * Double(count) { return micros + 1 }
        }
        return Self.classes
    }

    /// Quantiles, then a bar for every doubling.
    var text: String {
        guard count > 0 else { return "no steps" }
        let shares = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)]
        var text = "late by less than, us: "
        text += shares.map { "\($0.0) \(quantile($0.1))" }.joined(separator: "  ")
        text += "  max \(longest.nanoseconds / 1_000 + 1)\n"
        var low = 0
        var high = 1
        while low < Self.classes {
            let here = (low..<min(high, Self.classes)).reduce(0) { $0 + counts[$1] }
            if here > 0 {
                let share = Double(here) / Double(count)
                let bar = String(repeating: "#", count: Int((share * 60).rounded(.up)))
                text += "  \(low) … \(high) us: \(here) \(bar)\n"
            }
            low = high
            high *= 2
        }
        return text
    }
}
