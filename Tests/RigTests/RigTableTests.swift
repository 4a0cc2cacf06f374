import Rig
import Testing

/// The table itself: what must hold whatever else is changed in it.
@Suite struct RigTableTests {
    @Test func aTripLeadsToTheSafeStateFromEverywhere() {
        for state in RigState.allCases {
            let row = RigTable.row(state, .trip)
            #expect(row?.next == .safe, "\(state)")
            #expect(row?.action == .makeSafe, "\(state)")
        }
    }

    @Test func theSafeStateIsLeftOnlyByRelease() {
        for event in RigEvent.allCases where event != .released && event != .trip {
            #expect(RigTable.row(.safe, event) == nil, "\(event)")
        }
        // … and then everything is looked at anew before anything moves.
        #expect(RigTable.row(.safe, .released)?.next == .connecting)
    }

    @Test func aHoldStopsThePumpsFromEveryWorkingState() {
        for state in RigState.allCases where state != .safe && state != .held {
            let row = RigTable.row(state, .hold)
            // During a ramp whoever asks for a hold wants no more flow: that is a full stop.
            #expect(row?.next == (state == .ramping ? .safe : .held), "\(state)")
            #expect(row?.action == (state == .ramping ? .makeSafe : .abandon), "\(state)")
        }
    }

    @Test func aRampLeadsOnlyToRest() {
        for state in RigState.allCases where ![.safe, .ramping].contains(state) {
            let row = RigTable.row(state, .rampDown)
            #expect(row?.next == .ramping || row?.action == .makeSafe, "\(state)")
        }
        for event in RigEvent.allCases {
            let next = RigTable.row(.ramping, event)?.next
            #expect(next == nil || next == .safe, "\(event)")
        }
        #expect(RigTable.row(.ramping, .timeUp)?.next == .safe)
    }

    @Test func pumpsStartOnlyFromStatesInWhichEverythingIsKnown() {
        let starting: Set<RigAction> = [.prime, .takeDark, .startRecipe]
        for row in RigTable.rows where starting.contains(row.action) {
            #expect([.connecting, .priming, .ready].contains(row.state), "\(row)")
        }
    }

    @Test func everyStateCanBeReachedAndLeft() {
        for state in RigState.allCases where state != .connecting {
            #expect(RigTable.rows.contains { $0.next == state && $0.state != state }, "\(state)")
        }
        for state in RigState.allCases {
            #expect(RigTable.rows.contains { $0.state == state && $0.next != state }, "\(state)")
        }
    }

    @Test func noPairHasTwoRows() {
        var seen: Set<String> = []
        for row in RigTable.rows {
            #expect(seen.insert("\(row.state) \(row.event)").inserted, "\(row)")
        }
    }
}
