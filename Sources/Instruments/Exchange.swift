import Quantities

/// The times of a line on which one exchange happens at a time.
struct ExchangeTiming: Equatable, Sendable {
    /// How long a reply may take, first to last byte.
    var replyTimeout: TimeSpan
    /// Silence kept after a reply before the next question, so that a second copy of the reply
    /// is noticed instead of answering that question.
    var turnaround: TimeSpan
    /// Silence that ends the draining after a reply that could not be used.
    var quiet: TimeSpan
    /// Draining ends after this even if the line never falls silent.
    var drainLimit: TimeSpan

    /// The times for a line that may take `replyTimeout` (at least 1 ms) to answer at `baud`.
    init(replyTimeout: TimeSpan, baud: Int) {
        let timeout = max(replyTimeout, .milliseconds(1))
        self.replyTimeout = timeout
        quiet = TimeSpan(nanoseconds: timeout.nanoseconds / 4)
        drainLimit = TimeSpan(nanoseconds: min(timeout.nanoseconds, Int64.max / 8)) * 4
        // Four characters of ten bits: what separates two packets from one that is still coming.
        turnaround = .seconds(max(0.001, 40 / Double(max(baud, 300))))
    }
}

/// The discipline of a line without sequence numbers: ask, await the reply until a deadline, and
/// after any failure discard what comes until the line has been quiet for a while. A reply that
/// comes too late falls into that silence and can never answer the next question.
struct Exchange: Equatable, Sendable {
    /// Where the line stands.
    enum Phase: Equatable, Sendable {
        /// No line.
        case closed
        /// Nothing is awaited; the next question may be asked from this instant on.
        case idle(from: Instant)
        /// A question is on the wire.
        case awaiting(until: Instant)
        /// What comes is discarded until it stops coming for `quietFor`, or until `limit`.
        case draining(quietFor: TimeSpan, lastHeard: Instant, limit: Instant)
    }
    /// Where the line stands.
    private(set) var phase = Phase.closed
    /// The line's times.
    let timing: ExchangeTiming

    /// The discipline of a closed line.
    init(timing: ExchangeTiming) { self.timing = timing }

    /// When something changes by itself; `.distantFuture` when nothing does.
    var deadline: Instant {
        switch phase {
        case .closed: .distantFuture
        case .idle(let from): from
        case .awaiting(let until): until
        case .draining(let quietFor, let lastHeard, let limit): min(lastHeard + quietFor, limit)
        }
    }

    /// The line is gone.
    mutating func close() { phase = .closed }

    /// A question that wants a reply went out.
    mutating func ask(at now: Instant) { phase = .awaiting(until: now + timing.replyTimeout) }

    /// The reply came.
    mutating func settle(at now: Instant) { phase = .idle(from: now + timing.turnaround) }

    /// What came is of no use: discard until quiet. After a missing reply the silence must be as
    /// long as a whole reply may take, otherwise the line's own `quiet` is enough.
    mutating func drain(afterSilence: Bool, at now: Instant) {
        phase = .draining(
            quietFor: afterSilence ? timing.replyTimeout : timing.quiet, lastHeard: now,
            limit: now + timing.drainLimit)
    }

    /// A byte arrived.
    mutating func heard(at now: Instant) {
        guard case .draining(let quietFor, _, let limit) = phase else { return }
        phase = .draining(quietFor: quietFor, lastHeard: now, limit: limit)
    }

    /// How draining ended.
    enum DrainEnd: Equatable { case quiet, neverQuiet }

    /// Ends the draining when its time has come.
    mutating func endDrain(at now: Instant) -> DrainEnd? {
        guard case .draining(let quietFor, let lastHeard, let limit) = phase else { return nil }
        if now >= lastHeard + quietFor {
            phase = .idle(from: now)
            return .quiet
        }
        guard now >= limit else { return nil }
        phase = .idle(from: now)
        return .neverQuiet
    }

    /// Whether the reply that is awaited is overdue.
    func isOverdue(at now: Instant) -> Bool {
        guard case .awaiting(let until) = phase else { return false }
        return now >= until
    }

    /// Whether the next question may be asked now.
    func maySpeak(at now: Instant) -> Bool {
        guard case .idle(let from) = phase else { return false }
        return now >= from
    }
}
