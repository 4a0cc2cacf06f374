import Numerics
import Quantities
import Testing

@testable import Instruments

private let goal = PumpGoal.infusing(
    rate: FlowRate(microlitersPerMinute: 100), bound: Volume(microliters: 500))

/// A moment of a good conversation: a question is on the wire, and this would be the reply.
private struct Moment<Line: PumpLine, Pump: PlayedPump> {
    var bench: Bench<Line, Pump>
    var reply: [UInt8]
}

/// The moments of a conversation from the beginning to some time after the goal.
private func moments<Line, Pump>(of bench: Bench<Line, Pump>) -> [Moment<Line, Pump>] {
    var bench = bench
    var moments: [Moment<Line, Pump>] = []
    bench.open()
    bench.line.setGoal(goal, pump: 0, at: bench.now)
    while moments.count < 28 {
        let output = bench.line.output
        if !output.isEmpty {
            var moment = bench
            moment.line.output = []
            let reply = moment.pump.reply(to: output)
            moments.append(Moment(bench: moment, reply: reply))
        }
        bench.turn()
    }
    return moments
}

/// One to four things that happen to bytes on a bad line.
private func mutate(_ bytes: inout [UInt8], with random: inout SeededGenerator) {
    for _ in 0...random.below(4) {
        let at = bytes.isEmpty ? 0 : random.below(bytes.count)
        switch random.below(7) {
        case 0 where !bytes.isEmpty: bytes[at] ^= 1 << UInt8(random.below(8))
        case 1 where !bytes.isEmpty: bytes[at] = UInt8(random.below(256))
        case 2: bytes.removeSubrange(at...)
        case 3 where !bytes.isEmpty: bytes.remove(at: at)
        case 4: bytes.insert(UInt8(random.below(256)), at: at)
        case 5: if bytes.count < 300 { bytes += bytes }
        default:
            // Bytes with a meaning in one of the protocols.
            let special: [UInt8] = [2, 3, 10, 13, 0x11, 0x2A, 0x3A, 0x3E, 0x3F, 0x41, 0x30, 0xFF]
            bytes.insert(special[random.below(special.count)], at: at)
        }
    }
}

private struct FuzzResult {
    var cases = 0
    var recoveries = 0
    var largestHeld = 0
    var largestEvents = 0
    var largestOutput = 0
    var failures: [String] = []
}

/// Feeds mutated replies to a driver in the middle of a conversation; every `sample`-th time lets
/// the pump behave again and waits for the goal. `held` tells what the driver holds of its input.
private func fuzz<Line, Pump>(
    _ start: Bench<Line, Pump>, seed: UInt64, cases: Int, sample: Int, held: (Line) -> Int
) -> FuzzResult {
    let moments = moments(of: start)
    var random = SeededGenerator(seed: seed)
    var result = FuzzResult()
    while result.cases < cases {
        let moment = moments[random.below(moments.count)]
        var bench = moment.bench
        var reply = moment.reply
        for _ in 0...random.below(3) {
            result.cases += 1
            mutate(&reply, with: &random)
            bench.now = bench.now + .milliseconds(Int64(random.below(700)))
            let cut = reply.isEmpty ? 0 : random.below(reply.count + 1)
            bench.line.receive(reply[..<cut], at: bench.now)
            if cut < reply.count { bench.line.receive(reply[cut...], at: bench.now) }
            if bench.line.deadline <= bench.now { bench.line.advance(to: bench.now) }
            result.largestOutput = max(result.largestOutput, bench.line.output.count)
            result.largestHeld = max(result.largestHeld, held(bench.line))
            result.largestEvents = max(result.largestEvents, bench.line.events.count)
            // The pump may or may not have heard what the driver said to that.
            if random.below(2) == 0, !bench.line.output.isEmpty {
                _ = bench.pump.reply(to: bench.line.output)
            }
            bench.line.output = []
            reply = moments[random.below(moments.count)].reply
        }
        if result.cases % sample < 2 { recover(bench, &result) }
    }
    return result
}

private func recover<Line, Pump>(_ noisy: Bench<Line, Pump>, _ result: inout FuzzResult) {
    var bench = noisy
    result.recoveries += 1
    bench.takeEvents()
    bench.events = []
    // What the noise made of the goal does not count: it is set again.
    bench.line.setGoal(goal, pump: 0, at: bench.now)
    for _ in 0..<20 {
        if case .alarmed = bench.line.pump(0).link {
            bench.line.acknowledgeAlarm(pump: 0, at: bench.now)
        }
        if bench.run(.seconds(5), until: { $0.events.contains(.goalReached(goal)) }) { break }
    }
    let state = bench.line.pump(0)
    if state.link != .ready || state.actual != goal {
        result.failures.append("\(state) \(bench.saidText.suffix(20)) \(bench.events.suffix(10))")
    }
}

/// Byte noise at the driver's ear: no crash, bounded buffers, and the goal is reached as soon as
/// the pump is understood again.
@Suite struct PumpFuzzTests {
    private func check(_ result: FuzzResult, cases: Int) {
        #expect(result.cases >= cases && result.recoveries > 100)
        #expect(result.failures.isEmpty, "\(result.failures.prefix(2))")
        #expect(result.largestHeld <= 64 + 257)
        #expect(result.largestEvents <= 256)
        #expect(result.largestOutput <= 64)
    }

    @Test(arguments: [NewEraFraming.basic, .safe])
    func newEra(framing: NewEraFraming) {
        let settings = NewEraLine.Pump(
            name: "oil", address: 0, framing: framing,
            syringeDiameter: Length(millimeters: 14.43))
        let bench = Bench(line: NewEraLine(pumps: [settings]), pump: PlayedNewEra())
        let result = fuzz(bench, seed: 7, cases: 50_000, sample: 400) { $0.core.heldCount }
        check(result, cases: 50_000)
    }

    @Test func harvard() {
        let settings = HarvardLine.Pump(
            name: "oil", address: 3, model: .legato, syringeDiameter: Length(millimeters: 14.43))
        var pump = PlayedHarvard()
        pump.address = 3
        let bench = Bench(line: HarvardLine(pumps: [settings]), pump: pump)
        let result = fuzz(bench, seed: 8, cases: 100_000, sample: 400) { $0.core.heldCount }
        check(result, cases: 100_000)
    }
}
