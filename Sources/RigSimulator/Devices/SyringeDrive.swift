import Glibc
import Quantities

/// A syringe and its piston. The rate approaches the commanded one as a first-order lag; every
/// volume is the exact integral of that law, so a query costs the same whether a microsecond or
/// a month has passed.
public final class SyringeDrive: SimulatedDrive {
    /// What is wrong with the mechanics.
    public enum Fault: Equatable, Sendable {
        /// Nothing.
        case none
        /// The motor is held fast, and its electronics can feel it.
        case stalled
        /// The motor turns freely and nothing flows: a slipped pusher block.
        case silent
    }

    /// Inner diameter of the syringe.
    public let diameter: Length
    /// What the full syringe holds.
    public let capacity: Volume
    /// Whether withdrawing takes from a reservoir through a check valve (the usual refill) and
    /// not back out of the tube.
    public let refillsFromReservoir: Bool
    /// The fault in force.
    public private(set) var fault = Fault.none
    /// Whether the motor is held by a fault.
    public var isStalled: Bool { fault == .stalled }

    private let lag: Double
    private var state: State

    /// Where everything was at one instant.
    private struct State {
        var at = Instant.zero
        /// µL/min, reached and wanted.
        var rate = 0.0
        var wanted = 0.0
        /// µL.
        var contents: Double
        var motor = 0.0
        var delivered = 0.0
    }

    /// A syringe of `diameter` with `contents` of `capacity` in it, at rest. The rate approaches
    /// the commanded one with time constant `timeConstant`.
    public init(
        diameter: Length, capacity: Volume, contents: Volume,
        timeConstant: TimeSpan = .milliseconds(200), refillsFromReservoir: Bool = true
    ) {
        self.diameter = diameter
        self.capacity = capacity
        self.refillsFromReservoir = refillsFromReservoir
        lag = max(timeConstant.seconds, 0) / 60
        state = State(contents: min(max(contents.microliters, 0), max(capacity.microliters, 0)))
    }

    /// The rate the motor shall reach from `now` on; not a number stops it.
    public func drive(at rate: FlowRate, now: Instant) {
        state = moved(to: now)
        state.wanted = rate.microlitersPerMinute.isFinite ? rate.microlitersPerMinute : 0
        if lag == 0 { state.rate = state.wanted }
    }

    /// Volume the motor has pushed out, whether or not anything flowed.
    public func motorVolume(at now: Instant) -> Volume { Volume(microliters: moved(to: now).motor) }

    /// Whether the motor cannot follow: piston at its end, or held fast.
    public func isBlocked(at now: Instant) -> Bool {
        let state = moved(to: now)
        switch fault {
        case .stalled: return state.wanted != 0
        case .silent: return false
        case .none:
            return state.wanted > 0 && state.contents <= 0
                || state.wanted < 0 && state.contents >= capacity.microliters
        }
    }

    /// Volume that has really left into the tube by `now`.
    public func deliveredVolume(at now: Instant) -> Volume {
        Volume(microliters: moved(to: now).delivered)
    }

    /// The rate at which liquid leaves into the tube at `now`.
    public func flow(at now: Instant) -> FlowRate {
        let state = moved(to: now)
        guard fault == .none, state.rate > 0 || !refillsFromReservoir else { return .zero }
        return FlowRate(microlitersPerMinute: state.rate)
    }

    /// What is left in the syringe.
    public func remaining(at now: Instant) -> Volume {
        Volume(microliters: moved(to: now).contents)
    }

    /// Somebody puts in a syringe with `contents`; what was delivered and turned stays counted.
    public func refill(to contents: Volume, at now: Instant) {
        state = moved(to: now)
        state.contents = min(max(contents.microliters, 0), capacity.microliters)
    }

    /// Breaks or mends the mechanics from `now` on.
    public func setFault(_ fault: Fault, at now: Instant) {
        state = moved(to: now)
        self.fault = fault
        if fault == .stalled { state.rate = 0 }
    }

    /// The state at `now`: r(τ) = w + (r₀ − w)·exp(−τ/T), integrated in at most two pieces, as
    /// the sign of r changes at most once and the piston's ends cut each piece on its own.
    private func moved(to now: Instant) -> State {
        var next = state
        guard now > state.at else { return next }
        next.at = now
        let (difference, overflow) = now.nanoseconds.subtractingReportingOverflow(
            state.at.nanoseconds)
        let minutes = Double(overflow ? .max : difference) / 60e9
        guard fault != .stalled else {
            next.rate = 0
            return next
        }
        var turn = 0.0
        if state.rate * state.wanted < 0 {
            turn = min(lag * log((state.rate - state.wanted) / -state.wanted), minutes)
        }
        let first = displacement(after: turn)
        advance(&next, by: first)
        advance(&next, by: displacement(after: minutes) - first)
        next.rate =
            lag == 0
            ? state.wanted
            : state.wanted + (state.rate - state.wanted) * exp(-minutes / lag)
        // A piston at its end stands: the next run starts from rest.
        let pushes = next.contents <= 0 && next.rate > 0
        let pulls = next.contents >= capacity.microliters && next.rate < 0
        if fault == .none, pushes || pulls { next.rate = 0 }
        return next
    }

    private func displacement(after minutes: Double) -> Double {
        guard lag > 0 else { return state.wanted * minutes }
        // expm1 keeps the difference exact for spans far below the time constant.
        return state.wanted * minutes
            - (state.rate - state.wanted) * lag * expm1(-minutes / lag)
    }

    private func advance(_ next: inout State, by volume: Double) {
        guard fault == .none else {
            next.motor += volume
            return
        }
        let contents = min(max(next.contents - volume, 0), capacity.microliters)
        let moved = next.contents - contents
        next.contents = contents
        next.motor += moved
        if moved > 0 || !refillsFromReservoir { next.delivered += moved }
    }
}
