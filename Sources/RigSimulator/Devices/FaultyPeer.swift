import Numerics
import Quantities
import World

/// What goes wrong on a line, each with its probability (0…1) per reply.
public struct LineFaults: Equatable, Sendable {
    /// The reply never arrives.
    public var drop = 0.0
    /// The reply arrives later by up to `longestDelay`.
    public var delay = 0.0
    /// Longest extra time of a delayed reply.
    public var longestDelay = TimeSpan.milliseconds(800)
    /// The reply arrives twice.
    public var duplicate = 0.0
    /// One byte of the reply has one wrong bit.
    public var corrupt = 0.0
    /// The end of the reply is missing.
    public var truncate = 0.0
    /// Nothing passes in either direction.
    public var isSilent = false

    /// A perfect line.
    public init() {}
}

/// Any peer behind a bad line: what it says is dropped, delayed, doubled, damaged or cut, the
/// same way for the same seed. Replies never overtake each other, as bytes on a wire cannot.
public final class FaultyPeer: VirtualPeer {
    /// The faults in force; may be changed at any time.
    public var faults: LineFaults
    /// How many replies were hurt so far.
    public private(set) var hurtCount = 0

    private let inner: any VirtualPeer
    private var generator: SeededGenerator
    private var late = ReplyQueue()

    /// `inner` behind a line with `faults`, drawn from `seed`.
    public init(_ inner: any VirtualPeer, faults: LineFaults, seed: UInt64) {
        self.inner = inner
        self.faults = faults
        generator = SeededGenerator(seed: seed).split("line faults")
    }

    /// The speed of the line now, in bits per second.
    public var baud: Int { inner.baud }

    /// When `advance` has something to do next; `.distantFuture` for never.
    public var deadline: Instant {
        min(inner.deadline, late.nextReady.map(Instant.init(nanoseconds:)) ?? .distantFuture)
    }

    /// Bytes from the host, the last of which has fully arrived at `now`.
    public func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) {
        if faults.isSilent { inner.advance(to: now) } else { inner.receive(bytes, at: now) }
        pull(at: now)
    }

    /// Time passed: timers, targets, stalls.
    public func advance(to now: Instant) {
        inner.advance(to: now)
        pull(at: now)
    }

    /// Appends what is ready to leave by `now`, and forgets it.
    public func takeOutput(into bytes: inout [UInt8], at now: Instant) {
        pull(at: now)
        late.take(into: &bytes, now: now.nanoseconds)
    }

    private func pull(at now: Instant) {
        var reply: [UInt8] = []
        inner.takeOutput(into: &reply, at: now)
        guard !reply.isEmpty else { return }
        // Always five draws, so that one fault's probability does not shift the others' dice.
        let dice = (0..<5).map { _ in generator.uniform() }
        let place = generator.below(reply.count)
        let bit = generator.below(8)
        let share = generator.uniform()
        let original = reply
        if dice[2] < faults.corrupt { reply[place] ^= 1 << UInt8(bit) }
        if dice[3] < faults.truncate { reply.removeLast(reply.count - place) }
        if dice[4] < faults.duplicate { reply += reply }
        var ready = now
        if dice[1] < faults.delay {
            ready = now + .seconds(share * faults.longestDelay.seconds)
        }
        if faults.isSilent || dice[0] < faults.drop { reply = [] }
        if reply != original || ready > now { hurtCount += 1 }
        late.append(reply, ready: ready.nanoseconds)
    }
}
