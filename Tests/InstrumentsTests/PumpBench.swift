import Instruments
import Quantities

/// A pump as the manual describes it, played by a test: bytes in, bytes out.
protocol PlayedPump {
    mutating func reply(to bytes: [UInt8]) -> [UInt8]
}

/// What can happen to a reply on its way.
enum Fault: CaseIterable {
    case late, truncated, garbled, doubled, wrongAddress, absent
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
    /// Bytes that arrive later than their reply should have.
    var late: (at: Instant, bytes: [UInt8])?
    /// How many bytes arrive at once, 1 ms apart; nil is all.
    var portion: Int?

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
            let lateAt = late?.at ?? .distantFuture
            now = max(now, min(line.deadline, lateAt, now + .seconds(1)))
            if let late, late.at <= now {
                self.late = nil
                line.receive(late.bytes[...], at: now)
            }
            line.advance(to: now)
            return
        }
        said.append(output)
        var answer = pump.reply(to: output)
        if let distort { answer = distort(output, answer) }
        now = now + .milliseconds(10)
        deliver(answer)
        if line.deadline <= now { line.advance(to: now) }
    }

    private mutating func deliver(_ answer: [UInt8]) {
        guard let portion, portion > 0 else {
            if !answer.isEmpty { line.receive(answer[...], at: now) }
            return
        }
        for start in stride(from: 0, to: answer.count, by: portion) {
            line.receive(answer[start..<min(start + portion, answer.count)], at: now)
            now = now + .milliseconds(1)
        }
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

extension Bench {
    /// Lets `fault` happen to the reply to question number `victim`, given a reply with another
    /// address and one with a flipped bit.
    mutating func inflict(
        _ fault: Fault, on victim: Int, wrongAddress: @escaping ([UInt8]) -> [UInt8],
        garbled: @escaping ([UInt8]) -> [UInt8]
    ) -> Bool {
        var count = 0
        while count < 200 {
            let output = line.output
            if !output.isEmpty {
                defer { count += 1 }
                if count == victim {
                    distort = { _, reply in
                        switch fault {
                        case .late, .absent: []
                        case .truncated: Array(reply.dropLast())
                        case .garbled: garbled(reply)
                        case .doubled: reply + reply
                        case .wrongAddress: wrongAddress(reply)
                        }
                    }
                    var twin = pump
                    let reply = twin.reply(to: output)
                    if fault == .late { late = (now + .milliseconds(650), reply) }
                    turn()
                    distort = nil
                    return !reply.isEmpty
                }
            }
            turn()
        }
        return false
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
