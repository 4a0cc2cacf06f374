import Configuration
import Quantities
import Testing

@testable import Rig

/// The matrix by itself: one row at a time through its phases.
@Suite struct InterlocksTests {
    /// A matrix with one interlock line, whose row is `reaction`.
    private func matrix(
        latching: Bool = true, _ change: (inout ReactionSettings) -> Void = { _ in }
    ) -> (Interlocks, Int) {
        var settings = Settings()
        settings.interlocks = [InterlockSettings(name: "door")]
        settings.interlocks[0].latching = latching
        var row = ReactionSettings(.interlock, of: "door")
        change(&row)
        settings.reactions = [row]
        var interlocks = Interlocks(table: ReactionTable(settings))
        let place = interlocks.row(.interlock) ?? -1
        if let unreadable = interlocks.row(.unreadable) {
            interlocks.set(unreadable, isWrong: false, at: .zero)
        }
        return (interlocks, place)
    }

    private func at(_ seconds: Double) -> Instant { .zero + .seconds(seconds) }

    @Test func unknownIsNotQuiet() {
        var (interlocks, row) = matrix()
        #expect(!interlocks.isComplete)
        interlocks.set(row, isWrong: false, at: at(1))
        #expect(interlocks.isComplete && !interlocks.keepsPumpsStill)
        #expect(interlocks.changes.isEmpty)
    }

    @Test func aHazardCountsAfterItsTimeAndNotBefore() {
        var (interlocks, row) = matrix { $0.delay = .seconds(2) }
        interlocks.set(row, isWrong: true, at: at(1))
        #expect(interlocks.isComplete && interlocks.demanded.isEmpty)
        #expect(interlocks.deadline == at(3))
        interlocks.set(row, isWrong: true, at: at(2.9))
        interlocks.advance(to: at(2.999))
        #expect(interlocks.demanded.isEmpty)
        interlocks.advance(to: at(3))
        #expect(interlocks.demanded == .everything)
        #expect(interlocks.changes.map(\.kind) == [.tripped])
        // A hazard that goes before its time was none, and the next one has its whole time.
        var (other, _) = matrix { $0.delay = .seconds(2) }
        other.set(row, isWrong: true, at: at(1))
        other.set(row, isWrong: false, at: at(2.5))
        other.set(row, isWrong: true, at: at(2.6))
        other.advance(to: at(4.5))
        #expect(other.demanded.isEmpty)
        other.advance(to: at(4.6))
        #expect(other.demanded == .everything)
    }

    @Test func anOperatorReleasesOnlyWhatIsGone() {
        var (interlocks, row) = matrix()
        interlocks.set(row, isWrong: true, at: at(1))
        let all2 = interlocks.clear(at: at(2))
        #expect(!all2)
        #expect(interlocks.keepsPumpsStill)
        interlocks.set(row, isWrong: false, at: at(3))
        interlocks.advance(to: at(10_000))
        #expect(interlocks.keepsPumpsStill)
        let all10001 = interlocks.clear(at: at(10_001))
        #expect(all10001)
        #expect(interlocks.demanded.isEmpty)
        #expect(interlocks.changes.map(\.kind) == [.tripped, .recovered, .released])
    }

    @Test func anAutomaticReleaseWaitsForAnUnbrokenTime() {
        var (interlocks, row) = matrix(latching: false) { $0.releaseAfter = .seconds(5) }
        interlocks.set(row, isWrong: true, at: at(1))
        interlocks.set(row, isWrong: false, at: at(2))
        #expect(interlocks.deadline == at(7))
        interlocks.set(row, isWrong: true, at: at(6.9))
        interlocks.set(row, isWrong: false, at: at(8))
        interlocks.advance(to: at(12.9))
        #expect(interlocks.keepsPumpsStill)
        interlocks.advance(to: at(13))
        #expect(interlocks.demanded.isEmpty)
        #expect(interlocks.deadline == .distantFuture)
    }

    @Test func whatComesBackTooOftenStays() {
        var (interlocks, row) = matrix(latching: false)
        var time = 0.0
        for _ in 0..<Interlocks.releaseLimit {
            time += 10
            interlocks.set(row, isWrong: true, at: at(time))
            #expect(interlocks.keepsPumpsStill)
            interlocks.set(row, isWrong: false, at: at(time + 1))
            #expect(!interlocks.keepsPumpsStill)
        }
        interlocks.set(row, isWrong: true, at: at(time + 10))
        interlocks.set(row, isWrong: false, at: at(time + 11))
        interlocks.advance(to: at(time + 100_000))
        #expect(interlocks.keepsPumpsStill)
        #expect(interlocks.changes.last?.kind == .latched)
        #expect(interlocks.fault(row).text.contains("it came back 5 times in 10 min"))
        // A person resets the count.
        let allime100001 = interlocks.clear(at: at(time + 100_001))
        #expect(allime100001)
        interlocks.set(row, isWrong: true, at: at(time + 100_010))
        interlocks.set(row, isWrong: false, at: at(time + 100_011))
        #expect(!interlocks.keepsPumpsStill)
    }

    @Test func seldomIsNotTooOften() {
        var (interlocks, row) = matrix(latching: false)
        for round in 1...40 {
            let time = Double(round) * 150
            interlocks.set(row, isWrong: true, at: at(time))
            interlocks.set(row, isWrong: false, at: at(time + 1))
            #expect(!interlocks.keepsPumpsStill, "\(round)")
        }
    }

    @Test func demandsAddUpAndGoOneByOne() {
        var settings = Settings()
        settings.interlocks = ["a", "b"].map { InterlockSettings(name: $0) }
        settings.reactions = [
            ReactionSettings(.interlock, of: "a", do: [.hold, .lampOff]),
            ReactionSettings(.interlock, of: "b", do: [.rampDown, .valvesSafe]),
        ]
        settings.reactions[0].release = .automatic
        settings.reactions[0].releaseAfter = .zero
        settings.reactions[1].release = .automatic
        settings.reactions[1].releaseAfter = .zero
        var interlocks = Interlocks(table: ReactionTable(settings))
        let rows = [interlocks.row(.interlock, 0) ?? -1, interlocks.row(.interlock, 1) ?? -1]
        for row in rows { interlocks.set(row, isWrong: true, at: at(1)) }
        #expect(interlocks.demanded == [.hold, .lampOff, .rampDown, .valvesSafe])
        interlocks.set(rows[0], isWrong: false, at: at(2))
        #expect(interlocks.demanded == [.rampDown, .valvesSafe])
        interlocks.set(rows[1], isWrong: false, at: at(3))
        #expect(interlocks.demanded.isEmpty)
    }

    @Test func aPulseStaysUntilSomebodyLooked() {
        var interlocks = Interlocks(table: ReactionTable(Settings()))
        let row = interlocks.row(.reference) ?? -1
        interlocks.pulse(row, detail: "too dark", at: at(1))
        #expect(interlocks.keepsPumpsStill)
        interlocks.pulse(row, detail: "still too dark", at: at(2))
        #expect(interlocks.faults.map(\.text).first?.hasPrefix("still too dark") == true)
        let all3 = interlocks.clear(at: at(3))
        #expect(all3)
        #expect(interlocks.demanded.isEmpty)
    }

    @Test func changesAreBounded() {
        var (interlocks, row) = matrix(latching: false)
        for index in 0..<20_000 {
            interlocks.set(row, isWrong: index % 2 == 0, at: at(Double(index)))
        }
        #expect(interlocks.changes.count <= 4_096)
        interlocks.forgetChanges()
        #expect(interlocks.changes.isEmpty)
    }
}
