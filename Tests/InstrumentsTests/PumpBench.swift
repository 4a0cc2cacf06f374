import Instruments
import Quantities

/// A pump as the manual describes it, played by a test: bytes in, bytes out.
protocol PlayedPump {
    mutating func reply(to bytes: [UInt8]) -> [UInt8]
}

/// A line and the pump at its other end, under a clock the test moves.
struct Bench<Line: PumpLine, Pump: PlayedPump> {
    var line: Line
    var pump: Pump
    var now = Instant(nanoseconds: 1_000_000_000)
    var events: [InstrumentEvent.Kind] = []
    /// What the host said, one element per question.
    var said: [[UInt8]] = []
    /// Replaces a reply before it arrives: question in, reply in and out.
    var distort: (([UInt8], [UInt8]) -> [UInt8])?
    /// The question on the wire and the reply to it, for whoever looks in between.
    var onReply: ((Line, Pump, [UInt8]) -> Void)?

    init(line: Line, pump: Pump) {
        self.line = line
        self.pump = pump
    }

    mutating func open() { line.lineOpened(at: now) }

    /// One turn of the owner's duties: a question and its reply after 10 ms, or time passes.
    mutating func turn() {
        takeEvents()
        let output = line.output
        line.output = []
        guard !output.isEmpty else {
            now = max(now, min(line.deadline, now + .seconds(1)))
            line.advance(to: now)
            return
        }
        said.append(output)
        var answer = pump.reply(to: output)
        if let distort { answer = distort(output, answer) }
        onReply?(line, pump, answer)
        now = now + .milliseconds(10)
        if !answer.isEmpty { line.receive(answer[...], at: now) }
        if line.deadline <= now { line.advance(to: now) }
    }

    mutating func takeEvents() {
        events += line.events.map(\.kind)
        line.events = []
    }

    /// Turns until `condition` holds; false when it does not within `limit`.
    mutating func run(
        _ limit: TimeSpan = .seconds(20), until condition: (Bench) -> Bool = { _ in false }
    ) -> Bool {
        let end = now + limit
        var turns = 0
        while now < end, turns < 20_000 {
            turn()
            turns += 1
            takeEvents()
            if condition(self) { return true }
        }
        return false
    }

    var isReady: Bool { line.pump(0).link == .ready }

    /// Questions as text, control characters dropped.
    var saidText: [String] {
        said.map { String(decoding: $0.filter { $0 >= 0x20 && $0 < 0x7F }, as: UTF8.self) }
    }

    var errors: [InstrumentError] {
        events.compactMap { kind in
            if case .trouble(let error) = kind { return error }
            return nil
        }
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
