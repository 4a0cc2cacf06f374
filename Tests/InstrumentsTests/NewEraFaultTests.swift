import Quantities
import Testing

@testable import Instruments

private let goal = PumpGoal.infusing(
    rate: FlowRate(microlitersPerMinute: 100), bound: Volume(microliters: 500))

private func newBench(_ framing: NewEraFraming) -> Bench<NewEraLine, PlayedNewEra> {
    let settings = NewEraLine.Pump(
        name: "oil", address: 0, framing: framing, syringeDiameter: Length(millimeters: 14.43))
    var bench = Bench(line: NewEraLine(pumps: [settings]), pump: PlayedNewEra())
    bench.open()
    bench.line.setGoal(goal, pump: 0, at: bench.now)
    return bench
}

/// One fault on any one reply of a whole conversation ends in one typed error, after which every
/// question is answered by its own reply.
@Suite struct NewEraFaultTests {
    @Test(arguments: Fault.allCases, [NewEraFraming.basic, .safe])
    func oneFaultIsOneTypedError(fault: Fault, framing: NewEraFraming) {
        // Question 0 is the search, where a fault also tries the other framing; see below.
        for victim in 1..<(framing == .safe ? 21 : 19) {
            var bench = newBench(framing)
            let wasInflicted = bench.inflict(
                fault, on: victim,
                wrongAddress: { reply in
                    let text =
                        reply[0] == 2 && reply[1] < 48
                        ? reply.dropFirst(2).dropLast(3)
                        : reply.dropFirst().dropLast()
                    let other = "42" + String(decoding: text.dropFirst(2), as: UTF8.self)
                    return reply[1] < 48 ? PlayedNewEra.safe(other) : PlayedNewEra.basic(other)
                },
                garbled: { reply in
                    var reply = reply
                    reply[reply.count / 2] ^= 0x80
                    return reply
                })
            #expect(wasInflicted)
            #expect(
                bench.run { $0.events.contains(.goalReached(goal)) },
                "\(fault) on \(victim): \(bench.saidText) \(bench.events)")
            #expect(
                !bench.run(.seconds(5)) { $0.errors.count > 1 },
                "\(fault) on \(victim): \(bench.errors)")
            #expect(bench.errors.count == 1, "\(fault) on \(victim): \(bench.errors)")
            switch (fault, bench.errors.first) {
            case (.late, .noReply), (.absent, .noReply), (.truncated, .noReply),
                (.garbled, .garbled), (.doubled, .garbled), (.wrongAddress, .wrongAddress):
                break
            default: Issue.record("\(fault) on \(victim) is \(bench.errors)")
            }
            #expect(bench.pump.settings["VOL"] == "500." && bench.pump.settings["RAT"] == "100.")
        }
    }

    @Test func aFaultWhileSearchingOnlyTakesLonger() {
        for fault in Fault.allCases {
            var bench = newBench(.safe)
            _ = bench.inflict(
                fault, on: 0, wrongAddress: { _ in PlayedNewEra.basic("42S") },
                garbled: { _ in [2, 48, 48, 0x93, 3] })
            #expect(bench.run { $0.events.contains(.goalReached(goal)) })
            #expect((1...3).contains(bench.errors.count), "\(fault): \(bench.errors)")
        }
    }

    @Test func portionsOfAnySizeAreTheSame() {
        for portion in 1...12 {
            var bench = newBench(.safe)
            bench.portion = portion
            #expect(bench.run { $0.events.contains(.goalReached(goal)) })
            #expect(bench.errors.isEmpty)
        }
    }

    @Test func aDeviceThatBabblesForeverIsLostAndBounded() {
        var line = NewEraLine(pumps: [
            .init(name: "a", address: 0, syringeDiameter: Length(millimeters: 14.43))
        ])
        var now = Instant.zero
        line.lineOpened(at: now)
        var isLost = false
        let babble = (0..<64).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 2) }
        for _ in 0..<6000 {
            now = now + .milliseconds(5)
            line.receive(babble[...], at: now)
            if line.deadline <= now { line.advance(to: now) }
            line.output = []
            for event in line.events { if case .lost = event.kind { isLost = true } }
            line.events = []
            #expect(line.core.heldCount <= 64 + 256)
        }
        #expect(isLost)
        // Nobody takes the events: they stay bounded.
        for _ in 0..<400 {
            line.lineClosed(at: now)
            line.lineOpened(at: now)
        }
        #expect(line.events.count <= 256)
    }

    @Test func aLostLineIsSaidAndStartedAnew() {
        var bench = newBench(.safe)
        #expect(bench.run { $0.events.contains(.goalReached(goal)) })
        bench.line.lineClosed(at: bench.now)
        bench.takeEvents()
        #expect(bench.events.last == .lost(.lineClosed))
        #expect(bench.line.pump(0).link == .absent && bench.line.pump(0).actual == nil)
        #expect(bench.line.deadline == .distantFuture)
        bench.events = []
        bench.open()
        #expect(bench.run { $0.events.contains(.goalReached(goal)) })
    }
}

/// Two pumps at one line, each with its own address.
private struct TwoPumps: PlayedPump {
    var first = PlayedNewEra()
    var second = PlayedNewEra()
    var isSecondThere = true

    mutating func reply(to bytes: [UInt8]) -> [UInt8] {
        let reply = first.reply(to: bytes)
        return reply.isEmpty && isSecondThere ? second.reply(to: bytes) : reply
    }
}

@Suite struct NewEraSharedLineTests {
    private func newBench() -> Bench<NewEraLine, TwoPumps> {
        var pumps = TwoPumps()
        pumps.second.address = 12
        let line = NewEraLine(
            pumps: [0, 12].map {
                .init(
                    name: "p\($0)", address: $0, framing: .safe,
                    syringeDiameter: Length(millimeters: 14.43))
            })
        var bench = Bench(line: line, pump: pumps)
        bench.open()
        return bench
    }

    @Test func bothAreServed() {
        var bench = newBench()
        bench.line.setGoal(goal, pump: 0, at: bench.now)
        bench.line.setGoal(goal, pump: 1, at: bench.now)
        #expect(bench.run { $0.events.filter { $0 == .goalReached(goal) }.count == 2 })
        #expect(bench.pump.first.state == "I" && bench.pump.second.state == "I")
        #expect(bench.line.pump(1).actual == goal)
    }

    @Test func anAbsentPumpDoesNotStarveTheOther() {
        var bench = newBench()
        bench.pump.isSecondThere = false
        bench.line.setGoal(goal, pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(goal)) })
        var last = bench.now
        var longest = TimeSpan.zero
        let end = bench.now + .seconds(60)
        while bench.now < end {
            bench.turn()
            guard bench.line.pump(0).confirmedAt > last else { continue }
            longest = max(longest, bench.line.pump(0).confirmedAt - last)
            last = bench.line.pump(0).confirmedAt
        }
        #expect(longest < .milliseconds(3000), "the dead-man time is 5 s")
        bench.pump.isSecondThere = true
        #expect(bench.run { $0.line.pump(1).link == .ready })
    }

    @Test func aCutWireLosesAllPumpsOfTheLineTogether() {
        var bench = newBench()
        #expect(bench.run { $0.line.pump(0).link == .ready && $0.line.pump(1).link == .ready })
        func isLost(_ kind: InstrumentEvent.Kind) -> Bool {
            if case .lost(.noReply) = kind { true } else { false }
        }
        bench.distort = { _, _ in [] }
        bench.said = []
        let start = bench.now
        #expect(bench.run { $0.events.count(where: isLost) == 2 })
        // As for a pump alone: a second until the next question, five that get no answer.
        #expect(bench.said.count == PumpRecord.silenceLimit)
        #expect(bench.now - start < .seconds(5), "\(bench.now - start)")
        bench.distort = nil
        #expect(bench.run { $0.line.pump(0).link == .ready && $0.line.pump(1).link == .ready })
    }

    @Test func anotherPumpsAlarmDoesNotShiftTheConversation() {
        var bench = newBench()
        bench.line.setGoal(goal, pump: 0, at: bench.now)
        bench.line.setGoal(goal, pump: 1, at: bench.now)
        #expect(bench.run { $0.events.filter { $0 == .goalReached(goal) }.count == 2 })
        bench.pump.second.state = "S"
        bench.pump.second.pendingAlarm = "S"
        var isSent = false
        bench.distort = { question, reply in
            defer { isSent = true }
            return isSent ? reply : PlayedNewEra.safe("12A?S") + reply
        }
        #expect(bench.run { $0.line.pump(1).link == .alarmed(.stalled) })
        #expect(!bench.run(.seconds(5)) { !$0.errors.isEmpty }, "\(bench.errors)")
        #expect(bench.line.pump(0).link == .ready && bench.line.pump(0).actual == goal)
    }

    @Test func aStopDoesNotWaitForAnotherPumpsSilence() {
        var bench = newBench()
        bench.line.setGoal(goal, pump: 0, at: bench.now)
        #expect(bench.run { $0.line.pump(0).actual == goal && $0.line.pump(1).link == .ready })
        bench.pump.isSecondThere = false
        // Until the line is draining after a question to the absent pump.
        let isDraining = bench.run { bench in
            if case .draining = bench.line.core.exchange.phase { return true }
            return false
        }
        #expect(isDraining)
        bench.said = []
        bench.line.setGoal(.stopped, pump: 0, at: bench.now)
        let start = bench.now
        #expect(bench.run { $0.pump.first.state == "S" })
        #expect(bench.now - start < .milliseconds(100))
    }
}
