import Configuration
import Quantities

/// How much is left in each syringe, by what was commanded. It errs on the empty side: a run
/// that was broken off counts for the time it was commanded, ramps and all.
public struct SyringeLedger: Equatable, Sendable {
    /// What is left, in pump order.
    public private(set) var remaining: [Volume]
    private let capacity: [Volume]
    /// Share of a syringe that is never used: pistons are not driven against the glass.
    public static let reserveShare = 0.02

    /// Syringes with `remaining` in them, full ones where that is nil.
    public init(pumps: [PumpSettings], remaining: [Volume?] = []) {
        capacity = pumps.map(\.syringeVolume)
        self.remaining = capacity.enumerated().map { index, full in
            guard index < remaining.count, let left = remaining[index] else { return full }
            return min(max(.zero, left), full)
        }
    }

    /// `rates` were commanded for `span`.
    public mutating func spend(_ rates: [FlowRate], for span: TimeSpan) {
        for index in remaining.indices where rates[index] > .zero {
            remaining[index].microliters -= rates[index].volume(in: span).microliters
        }
    }

    /// Somebody filled syringe `index`.
    public mutating func refill(_ index: Int) { remaining[index] = capacity[index] }

    /// What may still be pumped from syringe `index`.
    public func usable(_ index: Int) -> Volume {
        let reserve = capacity[index].microliters * Self.reserveShare
        return Volume(microliters: max(0, remaining[index].microliters - reserve))
    }

    /// The first syringe that cannot give its rate for `span` and have `slack` times as much left
    /// for the pump's own bound, if any.
    public func firstShort(
        of rates: [FlowRate], for span: TimeSpan, slack: Double = 1
    ) -> Int? {
        rates.indices.first { index in
            let needed = rates[index].volume(in: span).microliters * slack
            return rates[index] > .zero && usable(index).microliters < needed
        }
    }
}
