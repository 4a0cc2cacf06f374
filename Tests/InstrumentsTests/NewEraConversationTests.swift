import Quantities
import Testing

@testable import Instruments

private typealias NewEraBench = Bench<NewEraLine, PlayedNewEra>
private let goal = PumpGoal.infusing(
    rate: FlowRate(microlitersPerMinute: 100), bound: Volume(microliters: 500))

private func bench(
    _ framing: NewEraFraming = .basic, pump: PlayedNewEra = PlayedNewEra()
) -> NewEraBench {
    let settings = NewEraLine.Pump(
        name: "oil", address: pump.address, framing: framing,
        syringeDiameter: Length(millimeters: 14.43))
    return Bench(line: NewEraLine(pumps: [settings]), pump: pump)
}

/// A bench whose pump runs towards the goal.
private func running(_ framing: NewEraFraming = .basic) -> NewEraBench {
    var bench = bench(framing)
    bench.open()
    bench.line.setGoal(goal, pump: 0, at: bench.now)
    #expect(bench.run { $0.events.contains(.goalReached(goal)) })
    return bench
}

@Suite struct NewEraConversationTests {
    @Test func saysWhatTheManualSays() {
        let bench = running()
        #expect(
            bench.saidText == [
                "0", "0VER", "0DIA", "0DIR", "0PHN2", "0FUN", "0PHN1", "0FUN", "0DIS", "0CLDINF",
                "0DIS", "0VOL",
                "0VOLUL", "0VOL", "0VOL500", "0VOL", "0RAT100UM", "0RAT", "0RUN", "0", "0RAT",
            ])
        #expect(bench.events.first == .identified("NE1000V3.923"))
        #expect(bench.events.dropFirst().first == .ready)
        #expect(bench.errors.isEmpty)
        #expect(bench.line.pump(0).actual == goal)
        #expect(bench.line.pump(0).identity == "NE1000V3.923")
    }

    @Test func armsTheDeadManAndFeedsIt() {
        var bench = running(.safe)
        #expect(bench.pump.isSafe && bench.pump.settings["SAF"] == "5")
        #expect(bench.errors.isEmpty)
        bench.said = []
        let start = bench.now
        var times: [Instant] = [start]
        while bench.now < start + .seconds(30) {
            let count = bench.said.count
            bench.turn()
            if bench.said.count > count { times.append(bench.now) }
        }
        let longest = zip(times, times.dropFirst()).map { $1 - $0 }.max() ?? .seconds(99)
        #expect(longest <= .milliseconds(1667))
        #expect(bench.saidText.contains("0DIS") == false || bench.saidText.count > 30)
        #expect(bench.line.pump(0).confirmedAt > bench.now - .seconds(2))
    }

    @Test func findsAPumpLeftInSafeFraming() {
        var pump = PlayedNewEra()
        pump.isSafe = true
        pump.settings["SAF"] = "5"
        var bench = bench(.safe, pump: pump)
        bench.open()
        #expect(bench.run { $0.isReady })
        #expect(bench.errors.isEmpty, "silence in the other framing is nobody's trouble")
        #expect(!bench.pump.executed.contains("SAF5"), "what agrees is not written")
        var other = Bench(line: bench.line, pump: pump)
        other.line = NewEraLine(pumps: [
            .init(
                name: "a", address: 0, framing: .basic, syringeDiameter: Length(millimeters: 14.43))
        ])
        other.open()
        #expect(other.run { $0.isReady })
        #expect(!other.pump.isSafe && other.pump.executed.contains("SAF0"))
    }

    @Test func writesAndVerifiesWhatDiffers() {
        var pump = PlayedNewEra()
        pump.settings["DIA"] = "4.699"
        pump.settings["DIR"] = "WDR"
        pump.functions = ["1": "RAT", "2": "RAT"]
        pump.state = "I"
        var bench = bench(pump: pump)
        bench.open()
        #expect(bench.run { $0.isReady })
        #expect(bench.pump.settings["DIA"] == "14.43" && bench.pump.settings["DIR"] == "INF")
        #expect(bench.pump.functions == ["1": "RAT", "2": "STP"] && bench.pump.phase == "1")
        #expect(bench.pump.state == "S")
        #expect(bench.pump.executed.firstIndex(of: "STP") == 1, "stop comes before all else")
        #expect(bench.pump.executed.filter { $0 == "STP" }.count == 2, "pause, then stop")
    }

    @Test func powerUpResetIsNoAlarmWhileConnecting() {
        var pump = PlayedNewEra()
        pump.pendingAlarm = "R"
        var bench = bench(pump: pump)
        bench.open()
        #expect(bench.run { $0.isReady })
        #expect(
            bench.events == [.identified("NE1000V3.923 (power had been interrupted)"), .ready])
    }

    @Test func resetWhileRunningIsAnAlarm() {
        var bench = running(.safe)
        bench.pump.pendingAlarm = "R"
        bench.pump.state = "S"
        #expect(bench.run { $0.events.contains(.alarm(.reset)) })
        #expect(bench.line.pump(0).link == .alarmed(.reset))
        bench.events = []
        #expect(!bench.run(.seconds(10)) { !$0.events.isEmpty }, "it stays so until acknowledged")
        #expect(bench.pump.state == "S")
        bench.line.acknowledgeAlarm(pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(goal)) })
    }

    @Test func unsolicitedAlarmsAreHeardAtAnyTime() {
        for letter in ["S", "T", "E", "O"] {
            var bench = running(.safe)
            let packet = PlayedNewEra.safe("00A?\(letter)")
            // The alarm comes in the middle of an exchange, before the reply, which tells it too.
            bench.pump.pendingAlarm = Character(letter)
            bench.pump.state = "S"
            var isSent = false
            bench.distort = { _, reply in
                defer { isSent = true }
                return isSent ? reply : packet + reply
            }
            #expect(bench.run { $0.line.pump(0).actual == .stopped })
            #expect(bench.events.filter { if case .alarm = $0 { true } else { false } }.count == 1)
            // And idle.
            var idle = running(.safe)
            #expect(idle.line.output.isEmpty)
            idle.now = idle.now + .milliseconds(50)
            idle.line.receive(packet[...], at: idle.now)
            idle.takeEvents()
            #expect(idle.events.contains { if case .alarm = $0 { true } else { false } })
        }
    }

    @Test func targetVolumeEndsTheRun() {
        var bench = running()
        bench.pump.state = "S"
        bench.pump.dispensed = "500.0"
        #expect(bench.run { $0.events.contains(.alarm(.targetReached)) })
        #expect(bench.line.pump(0).infused == Volume(microliters: 500))
        var stopped = running()
        stopped.pump.state = "P"
        stopped.pump.dispensed = "20.00"
        #expect(stopped.run { $0.events.contains(.alarm(.stoppedByHand)) })
        #expect(stopped.run { $0.pump.state == "S" })
    }

    @Test func changesTheRateOfARunningPump() {
        var bench = running()
        let faster = PumpGoal.infusing(
            rate: FlowRate(microlitersPerMinute: 250), bound: Volume(microliters: 500))
        bench.said = []
        bench.line.setGoal(faster, pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(faster)) })
        #expect(!bench.saidText.contains("0STP") && bench.saidText.contains("0RAT250"))
        #expect(bench.line.pump(0).actual == faster)
        // The run's own target is far beyond the new bound: stop and start anew.
        let short = PumpGoal.infusing(
            rate: FlowRate(microlitersPerMinute: 250), bound: Volume(microliters: 50))
        bench.said = []
        bench.line.setGoal(short, pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(short)) })
        #expect(bench.saidText.starts(with: ["0STP", "0STP"]))
        #expect(bench.pump.settings["VOL"] == "50.")
        // A unit that cannot change while pumping: the same.
        let slow = PumpGoal.infusing(
            rate: FlowRate(microlitersPerMinute: 0.0123), bound: Volume(microliters: 50))
        bench.line.setGoal(slow, pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(slow)) })
        #expect(bench.pump.rateUnit == "UH" && bench.pump.settings["RAT"] == "0.738")
        #expect(bench.errors.isEmpty)
    }

    @Test func refusalsAreTypedAndBounded() {
        for error in ["?", "?NA", "?OOR", "?COM"] {
            var bench = bench()
            bench.pump.refuses["RAT100UM"] = error
            bench.open()
            bench.line.setGoal(goal, pump: 0, at: bench.now)
            let isLost = bench.run { bench in
                bench.events.contains { kind in
                    guard case .lost(.refused("RAT100UM", let reason, _)) = kind else {
                        return false
                    }
                    return reason.hasPrefix(error)
                }
            }
            #expect(isLost)
            #expect(!bench.pump.executed.contains("RUN"))
        }
    }

    /// "Applies at once, not stored": a pump may report the stored rate; then it is restarted.
    @Test func aRateThatDoesNotReadBackIsSetStandingStill() {
        var bench = running()
        let faster = PumpGoal.infusing(
            rate: FlowRate(microlitersPerMinute: 250), bound: Volume(microliters: 500))
        bench.pump.refuses["RAT250"] = ""
        bench.said = []
        bench.line.setGoal(faster, pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(faster)) })
        #expect(bench.saidText.contains("0STP") && bench.saidText.contains("0RAT250UM"))
        #expect(bench.errors.count == NewEraTalk.flyingChangeLimit)
        guard case .disobeyed("RAT250", "250", _)? = bench.errors.first else {
            Issue.record("\(bench.errors)")
            return
        }
    }

    @Test func aSafeSwitchAnsweredWithResetMayOrMayNotHaveHappened() {
        // DEVICES 12: the first command after power-up is not executed, but the framing switches
        // in some pumps all the same.
        for switches in [true, false] {
            var bench = bench(.safe)
            bench.open()
            #expect(bench.run { $0.saidText.last == "0VER" })
            var isDone = false
            bench.distort = { question, reply in
                guard question == bytes("0SAF5\r"), !isDone else { return reply }
                isDone = true
                return switches ? PlayedNewEra.safe("00A?R") : PlayedNewEra.basic("00A?R")
            }
            if !switches { bench.pump.refuses["SAF5"] = "" }
            #expect(bench.run { $0.saidText.last?.hasPrefix("0SAF") == true })
            bench.pump.refuses = [:]
            #expect(bench.run { $0.isReady })
            #expect(bench.pump.isSafe && bench.pump.settings["SAF"] == "5")
        }
    }

    @Test func stopOvertakesEverything() {
        var bench = bench()
        bench.open()
        bench.line.setGoal(goal, pump: 0, at: bench.now)
        #expect(bench.run { $0.pump.state == "I" })
        bench.line.setGoal(.stopped, pump: 0, at: bench.now)
        bench.said = []
        #expect(bench.run { $0.events.contains(.goalReached(.stopped)) })
        // At most the exchange that was on the wire comes before.
        #expect(bench.saidText.prefix(2).contains("0STP"))
        #expect(bench.pump.state == "S")
    }

    @Test func anAbsentPumpIsLostAndFoundAgain() {
        var bench = bench(.safe)
        bench.distort = { _, _ in [] }
        bench.open()
        let isLost = bench.run { bench in
            bench.events.contains { if case .lost(.noReply) = $0 { true } else { false } }
        }
        #expect(isLost)
        // The first silence may have been the wrong framing's.
        #expect(bench.errors.count == PumpRecord.silenceLimit - 1)
        bench.events = []
        #expect(!bench.run(.seconds(30)) { !$0.events.isEmpty }, "it is said once")
        bench.distort = nil
        #expect(bench.run { $0.isReady })
    }
}
