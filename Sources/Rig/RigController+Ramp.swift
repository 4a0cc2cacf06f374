import Instruments
import Quantities

/// A ramp-down: rates fall from what they were to nothing, in steps that serial pumps can follow.
struct Ramp: Sendable {
    /// Rates at its beginning.
    var from: [FlowRate]
    var since = Instant.zero
    var until = Instant.zero
    var nextStepAt = Instant.zero
    /// Steps of a ramp…
    static let steps: Int64 = 10
    /// …unless they would be shorter than this.
    static let shortestStep = TimeSpan.milliseconds(250)

    init(pumps: Int) { from = Array(repeating: .zero, count: pumps) }
}

extension RigController {
    /// Time the rows in force give the pumps to slow down: the shortest of theirs.
    private var rampTime: TimeSpan {
        var time = TimeSpan.seconds(600)
        for row in interlocks.rows.indices
        where interlocks.rows[row].reactions.contains(.rampDown)
            && (interlocks.cells[row].phase == .tripped
                || interlocks.cells[row].phase == .recovered)
        {
            time = min(time, interlocks.rows[row].rampTime)
        }
        return time
    }

    /// Pumps begin to slow down.
    mutating func beginRamp(at now: Instant) {
        for index in commanded.indices { ramp.from[index] = commanded[index] }
        ramp.since = now
        ramp.until = now + rampTime
        ramp.nextStepAt = now
        stepLimit = ramp.until
        acquire(false, lamp: plan?.lampOn ?? false, at: now)
        finish(.abandoned(reason: latestWords ?? "fault"), at: now)
        continueRamp(at: now)
    }

    /// A row with a shorter ramp came up while one is under way.
    mutating func shortenRamp(at now: Instant) {
        guard state == .ramping else { return }
        let end = now + rampTime
        guard end < ramp.until else { return }
        for index in commanded.indices { ramp.from[index] = commanded[index] }
        ramp.since = now
        ramp.until = end
        ramp.nextStepAt = now
        stepLimit = end
    }

    /// The next step of a ramp, when it is time: every pump gets the rate that the end of this
    /// step asks for, so that the real flow is below the straight line.
    mutating func continueRamp(at now: Instant) {
        guard now >= ramp.nextStepAt, now < ramp.until else { return }
        account(until: now)
        let span = ramp.until - ramp.since
        let tenth = TimeSpan(nanoseconds: span.nanoseconds / Ramp.steps)
        ramp.nextStepAt = min(now + max(tenth, Ramp.shortestStep), ramp.until)
        let share = (ramp.until - ramp.nextStepAt).seconds / max(span.seconds, 1e-9)
        for index in commanded.indices {
            var rate = FlowRate(
                microlitersPerMinute: ramp.from[index].microlitersPerMinute * share)
            let isTooSlow = rate < settings.pumps[index].rateLimits.lowerBound
            if isTooSlow || ledger.usable(index) <= .zero { rate = .zero }
            guard rate != commanded[index] else { continue }
            commanded[index] = rate
            commandedAt = now
            let left = rate.volume(in: ramp.until - now).microliters * Self.boundSlack
            let bound = Volume(microliters: min(left, ledger.usable(index).microliters))
            commands.append(
                .pump(index, rate > .zero ? .infusing(rate: rate, bound: bound) : .stopped))
        }
        reportRates()
    }
}
