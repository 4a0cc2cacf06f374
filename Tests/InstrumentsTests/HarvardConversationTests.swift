import Quantities
import Testing

@testable import Instruments

private typealias HarvardBench = Bench<HarvardLine, PlayedHarvard>
private let goal = PumpGoal.infusing(
    rate: FlowRate(microlitersPerMinute: 100), bound: Volume(microliters: 500))

private func bench(_ pump: PlayedHarvard = PlayedHarvard(), force: Int? = nil) -> HarvardBench {
    let settings = HarvardLine.Pump(
        name: "oil", address: pump.address, model: pump.separator.isEmpty ? .elite : .ultra,
        syringeDiameter: Length(millimeters: 14.43), force: force)
    var bench = Bench(line: HarvardLine(pumps: [settings]), pump: pump)
    bench.open()
    return bench
}

private func running(_ pump: PlayedHarvard = PlayedHarvard()) -> HarvardBench {
    var bench = bench(pump)
    bench.line.setGoal(goal, pump: 0, at: bench.now)
    #expect(bench.run { $0.events.contains(.goalReached(goal)) })
    return bench
}

@Suite struct HarvardConversationTests {
    @Test func saysWhatTheManualSays() {
        let bench = running()
        #expect(
            bench.saidText == [
                "", "poll on", "poll", "stop", "ver", "diameter", "cttime", "status", "ctvolume",
                "civolume", "status", "tvolume", "tvolume 500 ul", "tvolume", "irate 100 u/m",
                "irate",
                "irun", "status", "irate",
            ])
        #expect(
            bench.events == [.identified("11 Elite 3.0.4"), .ready, .goalReached(goal)])
        #expect(bench.line.pump(0).actual == goal)
    }

    @Test func addressedPumpsAnswerWithTheirAddress() {
        for (address, separator) in [(3, ""), (12, ":")] {
            var pump = PlayedHarvard()
            pump.address = address
            pump.separator = separator
            var bench = running(pump)
            #expect(bench.errors.isEmpty)
            bench.portion = 1
            #expect(!bench.run(.seconds(5)) { !$0.errors.isEmpty })
        }
    }

    @Test func writesAndVerifiesWhatDiffers() {
        var pump = PlayedHarvard()
        pump.diameter = "4.6990 mm"
        pump.prompt = ">"
        pump.flags = "I...i."
        var bench = bench(pump, force: 30)
        #expect(bench.run { $0.isReady })
        #expect(bench.pump.executed[3] == "stop", "stop comes before all else")
        #expect(bench.pump.diameter == "14.43 mm" && bench.pump.force == "30%")
        #expect(bench.pump.executed.contains("force 30"))
    }

    @Test func volumeIsFollowedThroughClearedCounters() {
        var bench = running()
        bench.pump.infusedFemtoliters = 40_000_000_000
        #expect(bench.run { $0.line.pump(0).infused?.microliters == 40 })
        bench.line.setGoal(.stopped, pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(.stopped)) })
        bench.line.setGoal(goal, pump: 0, at: bench.now)
        #expect(bench.run { $0.pump.prompt == ">" })
        bench.pump.infusedFemtoliters = 5_000_000_000
        #expect(bench.run { $0.line.pump(0).infused?.microliters == 45 })
    }

    @Test func targetAndStallAreAlarms() {
        for (prompt, flags, alarm) in [
            ("T*", "i...iT", PumpAlarm.targetReached), ("*", "i.S.i.", .stalled),
            (">*", "iI..i.", .limitSwitch),
        ] {
            var bench = running()
            bench.pump.prompt = prompt
            bench.pump.flags = flags
            #expect(bench.run { $0.events.contains(.alarm(alarm)) })
            #expect(bench.events.filter { if case .alarm = $0 { true } else { false } }.count == 1)
            #expect(!bench.run(.seconds(5)) { $0.pump.prompt == ">" }, "nothing restarts it")
            bench.line.acknowledgeAlarm(pump: 0, at: bench.now)
            bench.events = []
            #expect(bench.run { $0.events.contains(.goalReached(goal)) })
        }
        var byHand = running()
        byHand.pump.prompt = ":"
        byHand.pump.flags = "i...i."
        #expect(byHand.run { $0.events.contains(.alarm(.stoppedByHand)) })
    }

    @Test func anUnsolicitedPromptIsHeard() {
        // Idle, with and without XON; and before a reply.
        for text in ["\nT*\u{11}", "\nT*"] {
            var bench = running()
            bench.pump.prompt = "T*"
            bench.pump.flags = "i...iT"
            bench.now = bench.now + .milliseconds(50)
            bench.line.receive(bytes(text)[...], at: bench.now)
            #expect(bench.run { $0.line.pump(0).link == .alarmed(.targetReached) })
        }
        var bench = running()
        var isSent = false
        bench.distort = { _, reply in
            defer { isSent = true }
            return isSent ? reply : bytes("\nT*\u{11}") + reply
        }
        bench.pump.prompt = "T*"
        bench.pump.flags = "i...iT"
        #expect(bench.run { $0.line.pump(0).link == .alarmed(.targetReached) })
        #expect(!bench.run(.seconds(5)) { !$0.errors.isEmpty }, "\(bench.errors)")
    }

    @Test func changesTheRateOfARunningPump() {
        var bench = running()
        let faster = PumpGoal.infusing(
            rate: FlowRate(microlitersPerMinute: 250), bound: Volume(microliters: 500))
        bench.said = []
        bench.line.setGoal(faster, pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(faster)) })
        #expect(!bench.saidText.contains("stop") && bench.pump.rate == "250 ul/min")
        let short = PumpGoal.infusing(
            rate: FlowRate(microlitersPerMinute: 250), bound: Volume(microliters: 50))
        bench.said = []
        bench.line.setGoal(short, pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(short)) })
        #expect(bench.saidText.first == "stop" && bench.pump.target == "50 ul")
    }

    @Test func refusalsAreTypedAndBounded() {
        for lines in [
            ["Command error: ", "   Unknown command"], ["Argument error: 100", "   Out of range"],
            ["Range error: ", "   x"],
        ] {
            var pump = PlayedHarvard()
            pump.refuses["irate 100 u/m"] = lines
            var bench = bench(pump)
            bench.line.setGoal(goal, pump: 0, at: bench.now)
            let isLost = bench.run { bench in
                bench.events.contains { kind in
                    guard case .lost(.refused("irate 100 u/m", let reason, _)) = kind else {
                        return false
                    }
                    return reason.hasPrefix(lines[0])
                }
            }
            #expect(isLost && !bench.pump.executed.contains("irun"))
        }
    }

    @Test func aPumpThatDisobeysIsNotRun() {
        var pump = PlayedHarvard()
        pump.refuses["diameter"] = ["9.0000 mm"]
        var bench = bench(pump)
        let isLost = bench.run { bench in
            bench.events.contains {
                if case .lost(.disobeyed("diameter 14.43", _, _)) = $0 { true } else { false }
            }
        }
        #expect(isLost)
    }

    @Test(arguments: Fault.allCases)
    func oneFaultIsOneTypedError(fault: Fault) {
        // The first two questions want no reply.
        for victim in 2..<19 {
            var bench = bench()
            bench.line.setGoal(goal, pump: 0, at: bench.now)
            let wasInflicted = bench.inflict(
                fault, on: victim,
                wrongAddress: { reply in
                    var pump = PlayedHarvard()
                    pump.address = 42
                    pump.isPolling = true
                    return pump.pack(reply.count > 4 ? ["100 ul/min"] : [])
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
            _ = bench.run(.seconds(5))
            #expect(bench.errors.count == 1, "\(fault) on \(victim): \(bench.errors)")
            switch (fault, bench.errors.first) {
            case (.late, .noReply), (.absent, .noReply), (.truncated, .noReply),
                (.garbled, .garbled), (.doubled, .garbled), (.wrongAddress, .wrongAddress):
                break
            default: Issue.record("\(fault) on \(victim) is \(bench.errors)")
            }
            #expect(bench.pump.target == "500 ul" && bench.pump.rate == "100 ul/min")
        }
    }

    /// In a chain only some pumps acknowledge commands (DEVICES 10, 2): queries show the truth.
    @Test func aPumpThatNeverAcknowledgesIsBelievedByItsAnswers() {
        var bench = bench()
        bench.distort = { _, reply in reply.contains(13) ? reply : [] }
        bench.line.setGoal(goal, pump: 0, at: bench.now)
        #expect(bench.run(.seconds(60)) { $0.events.contains(.goalReached(goal)) })
        #expect(bench.pump.target == "500 ul" && bench.pump.rate == "100 ul/min")
        bench.line.setGoal(.stopped, pump: 0, at: bench.now)
        #expect(bench.run { $0.events.contains(.goalReached(.stopped)) })
        #expect(bench.pump.prompt == ":")
    }

    @Test func aPumpThatAnswersButNeverObeysIsLost() {
        var bench = running()
        bench.pump.refuses["stop"] = []
        bench.line.setGoal(.stopped, pump: 0, at: bench.now)
        bench.distort = { question, reply in question == bytes("stop\r") ? [] : reply }
        let isLost = bench.run(.seconds(60)) { bench in
            bench.events.contains { if case .lost = $0 { true } else { false } }
        }
        #expect(isLost && !bench.events.contains(.goalReached(.stopped)))
    }

    @Test func aPumpThatLostItsPollingModeWasPowerCycled() {
        var bench = running()
        bench.pump.isPolling = false
        bench.pump.prompt = ":"
        bench.pump.flags = "i...i."
        #expect(bench.run { $0.events.contains(.alarm(.reset)) })
        #expect(!bench.run(.seconds(5)) { $0.pump.prompt == ">" }, "nothing restarts it")
        bench.line.acknowledgeAlarm(pump: 0, at: bench.now)
        bench.events = []
        #expect(bench.run { $0.events.contains(.goalReached(goal)) })
    }

    @Test func anAbsentPumpIsLostAndFoundAgain() {
        var bench = bench()
        bench.distort = { _, _ in [] }
        let isLost = bench.run { bench in
            bench.events.contains { if case .lost(.noReply) = $0 { true } else { false } }
        }
        #expect(isLost && bench.errors.count == PumpRecord.silenceLimit)
        bench.distort = nil
        #expect(bench.run { $0.isReady })
    }
}
