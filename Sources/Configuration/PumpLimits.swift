import Quantities

extension PumpSettings {
    /// Slowest and fastest rate this pump may be asked for (other than zero): what its plunger
    /// can do times the bore of its syringe, narrowed by `minimumRate` and `maximumRate`.
    ///
    /// New Era NE-1000: 0.004205 cm/h … 5.1005 cm/min. Harvard Pump 11 Elite: 0.1531 µm/min …
    /// 159.0 mm/min, which all rows of the rate table in its manual (appendix A/B) fit. The other
    /// two are taken to be like it, which nobody verified: for them `minimumRate` and
    /// `maximumRate` replace these numbers instead of only narrowing them.
    public var rateLimits: ClosedRange<FlowRate> {
        let area = syringeDiameter.circleArea
        let slowest: Double
        let fastest: Double
        switch dialect {
        case .newEra:
            slowest = 0.042_05 / 60
            fastest = 51.005
        case .harvard, .legato, .phdUltra:
            slowest = 0.000_153_1
            fastest = 159.0
        case .stepper: return stepperLimits
        }
        // mm/min × mm² = µL/min.
        var low = slowest * area
        var high = fastest * area
        let isVerified = dialect == .newEra || dialect == .harvard
        if minimumRate > .zero {
            let asked = minimumRate.microlitersPerMinute
            low = isVerified ? max(low, asked) : asked
        }
        if maximumRate > .zero {
            let asked = maximumRate.microlitersPerMinute
            high = isVerified ? min(high, asked) : asked
        }
        return Self.range(low, high)
    }

    /// A step a minute … the fastest rate of steps.
    private var stepperLimits: ClosedRange<FlowRate> {
        let steps = max(stepper.stepsPerMicroliter, 1e-9)
        let low = max(1 / steps, minimumRate.microlitersPerMinute)
        var high = stepper.maximumStepRate * 60 / steps
        if maximumRate > .zero { high = min(high, maximumRate.microlitersPerMinute) }
        return Self.range(low, high)
    }

    private static func range(_ low: Double, _ high: Double) -> ClosedRange<FlowRate> {
        // A minimum above the maximum is reported by the check; here it must only not trap.
        let start = FlowRate(microlitersPerMinute: low)
        return start...max(start, FlowRate(microlitersPerMinute: high))
    }
}
