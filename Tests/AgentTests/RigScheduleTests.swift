import Numerics
import Quantities
import Rig
import TestSupport
import Testing
import World

@testable import Agent

/// The schedule of the rig's thread, and what is told when it cannot be kept.
@Suite struct RigScheduleTests {
    @Test func lateTurnsDoNotMoveTheOnesAfterThem() throws {
        var schedule = RigSchedule(period: .milliseconds(1), start: Instant(nanoseconds: 500))
        #expect(schedule.wake(at: Instant(nanoseconds: 1_000_499)) == nil)
        let woken = schedule.wake(at: Instant(nanoseconds: 1_000_510))
        let first = try #require(woken)
        #expect(first.lateness == TimeSpan(nanoseconds: 10))
        #expect(first.missed == 0)
        #expect(schedule.next == Instant(nanoseconds: 2_000_500))
        let late = schedule.wake(at: Instant(nanoseconds: 5_000_400))
        let second = try #require(late)
        #expect(second.lateness == TimeSpan(nanoseconds: 2_999_900))
        #expect(second.missed == 2)
        #expect(schedule.next == Instant(nanoseconds: 5_000_500))
    }

    /// Turns kept and turns left out add up to the time that passed, however late it wakes.
    @Test func noSlotIsLostOrCountedTwice() {
        var random = SeededGenerator(seed: 9)
        let period = TimeSpan.microseconds(250)
        var schedule = RigSchedule(period: period, start: .zero)
        var now = Instant.zero
        var slots = 0
        for _ in 0..<10_000 {
            now = now + TimeSpan(nanoseconds: Int64(random.below(900_000)))
            guard let woke = schedule.wake(at: now) else { continue }
            slots += 1 + woke.missed
            #expect(woke.lateness >= .zero)
        }
        #expect(slots == Int(now.nanoseconds / period.nanoseconds))
    }

    @Test func missedTurnsAreToldAtOnceAndThenNowAndThen() {
        var notice = MissedTurnsNotice()
        #expect(notice.take(at: .zero) == nil)
        var told = 0
        var slots = 0
        for second in 0..<95 {
            notice.note(second == 3 ? 7 : 1, lateness: .milliseconds(Int64(second)))
            if case .missedTurns(let count, _)? = notice.take(at: .zero + .seconds(Double(second)))
            {
                told += 1
                slots += count
            }
        }
        #expect(told == 10)
        // All but those since the last time.
        #expect(slots == 97)
    }
}

/// What goes between the rig and the steward.
@Suite struct RigLinkTests {
    @Test func picturesGoRoundAndTheLatestIsSeen() {
        let exchange = PictureExchange(pumps: 2)
        var seen: RigPicture?
        for turn in 0..<50 {
            // The steward looks at every third only; the rig runs out of blanks and goes on.
            if let blank = exchange.takeBlank() {
                blank.droplets = turn
                exchange.hand(blank)
            }
            if turn % 3 == 2 {
                seen = exchange.latest(instead: seen)
                #expect(seen?.droplets == turn)
            }
        }
        seen = exchange.latest(instead: seen)
        #expect(seen?.droplets == 49)
        #expect(exchange.latest(instead: seen) === seen)
    }

    /// An order that comes when the rig does not want it any more is given again later.
    @Test func anOrderThatComesTooLateIsDeclinedAndTriedAgain() throws {
        let rig = try VirtualRig { $0.campaign.runs = 1 }
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        var isHeld = false
        session.run(
            shouldStop: { false },
            between: {
                guard session.rig.controller.state == .ready, !isHeld else { return }
                isHeld = true
                // An operator's hold is in the queue before the order.
                _ = session.link.ask(.operate([.hold(reason: "lunch")], ticket: 0))
                let order = ConditionOrder(run: 1, number: 1, attempt: 9, recipe: [])
                _ = session.link.ask(.run(order))
                session.rig.serve(session.link)
                #expect(session.rig.controller.state == .held)
                #expect(
                    session.rig.news.contains {
                        if case .declined(condition: 1) = $0.news { true } else { false }
                    })
                session.rig.news.removeAll {
                    if case .declined = $0.news { true } else { false }
                }
                _ = session.link.ask(.operate([.resume], ticket: 0))
                session.rig.serve(session.link)
            })
        #expect(isHeld)
        #expect(session.summary().runs.map(\.complete) == [3])
    }
}
