import Configuration
import Quantities

/// A recipe turned into one rate per pump, checked against what the rig can do.
public struct Setpoints: Equatable, Sendable {
    /// The rate of each pump, in configuration order.
    public var rates: [FlowRate]
    /// What was changed to fit a pump; empty when nothing was.
    public var adjustments: [Adjustment] = []

    /// A rate that was changed to fit a pump.
    public struct Adjustment: Equatable, Sendable {
        /// The pump's place in the configuration.
        public var pump: Int
        /// The rate that was asked for…
        public var asked: FlowRate
        /// …and the one it gets.
        public var given: FlowRate
    }

    /// All rates together.
    public var total: FlowRate {
        var total = FlowRate.zero
        for rate in rates { total.microlitersPerMinute += rate.microlitersPerMinute }
        return total
    }

    /// Room for the rates of so many pumps, all of which stand still.
    public init(pumps: Int) {
        rates = [FlowRate](repeating: .zero, count: max(0, pumps))
        adjustments.reserveCapacity(rates.count)
    }

    /// Oil and aqueous flow of `recipe` (values in the order of the variables), the aqueous part
    /// divided among the reagents, the rest of it solvent.
    ///
    /// - Throws: `SetpointError` when the recipe is not one this rig can run.
    public init(recipe: [Double], settings: Settings) throws(SetpointError) {
        self.init(pumps: settings.pumps.count)
        try set(recipe: recipe, settings)
    }

    /// The same in the room that is there already. After an error the rates mean nothing.
    public mutating func set(recipe: [Double], _ settings: Settings) throws(SetpointError) {
        guard recipe.count == settings.variables.count else {
            throw .wrongCount(expected: settings.variables.count, got: recipe.count)
        }
        var total = settings.rig.primeFlow.microlitersPerMinute
        var sum = 0.0
        for (index, value) in recipe.enumerated() {
            let variable = settings.variables[index]
            guard value.isFinite, value >= 0 else {
                throw .notANumber(variable: variable.name, value: value)
            }
            // The limits are hard: proposals are rounded, so allow the rounding's own error.
            let slack = 1e-9 * max(1, abs(variable.highLimit))
            guard value >= variable.lowLimit - slack, value <= variable.highLimit + slack else {
                throw .outsideLimits(
                    variable: variable.name, value: value, low: variable.lowLimit,
                    high: variable.highLimit)
            }
            switch variable.kind {
            case .totalFlow: total = value
            case .reagentPercent: sum += value
            case .free: throw .noPump(name: variable.name)
            }
        }
        let maximum = settings.recipe.maximumReagentShare * 100
        guard sum <= maximum + 1e-6 else { throw .tooMuchReagent(sum: sum, maximum: maximum) }

        let oil = total * settings.recipe.oilShare
        let aqueous = total - oil
        for index in rates.indices { rates[index] = .zero }
        for (index, value) in recipe.enumerated() {
            guard case .reagentPercent(let pump) = settings.variables[index].kind else { continue }
            try add(aqueous * value / 100, to: pump, settings)
        }
        try add(aqueous * max(0, 100 - sum) / 100, to: settings.recipe.solvent, settings)
        try add(oil, to: settings.recipe.oil, settings)
        try fit(settings.pumps)
    }

    private mutating func add(
        _ rate: Double, to name: String, _ settings: Settings
    ) throws(SetpointError) {
        for index in settings.pumps.indices where settings.pumps[index].name == name {
            rates[index].microlitersPerMinute += rate
            return
        }
        throw .noPump(name: name)
    }

    /// Rates as asked for, fitted to what each pump can do.
    ///
    /// A rate below a pump's minimum becomes the nearer of zero and the minimum, which is said
    /// in `adjustments`; a rate above its maximum is an error: nothing is scaled in silence.
    public init(rates asked: [FlowRate], pumps: [PumpSettings]) throws(SetpointError) {
        rates = asked
        try fit(pumps)
    }

    private mutating func fit(_ pumps: [PumpSettings]) throws(SetpointError) {
        adjustments.removeAll(keepingCapacity: true)
        for (index, pump) in pumps.enumerated() {
            let rate = rates[index]
            let limits = pump.rateLimits
            guard rate > .zero else {
                rates[index] = .zero
                continue
            }
            if rate > limits.upperBound {
                throw .tooFast(pump: pump.name, rate: rate, maximum: limits.upperBound)
            }
            if rate < limits.lowerBound {
                let half = limits.lowerBound.microlitersPerMinute / 2
                let fitted = rate.microlitersPerMinute < half ? FlowRate.zero : limits.lowerBound
                adjustments.append(Adjustment(pump: index, asked: rate, given: fitted))
                rates[index] = fitted
            }
        }
    }

    /// Solvent and oil alone, at the priming flow: the droplets of a reference.
    public static func reference(_ settings: Settings) throws(SetpointError) -> Setpoints {
        var setpoints = Setpoints(pumps: settings.pumps.count)
        try setpoints.setReference(settings)
        return setpoints
    }

    mutating func setReference(_ settings: Settings) throws(SetpointError) {
        let total = settings.rig.primeFlow.microlitersPerMinute
        let oil = total * settings.recipe.oilShare
        for (index, pump) in settings.pumps.enumerated() {
            switch pump.name {
            case settings.recipe.oil: rates[index].microlitersPerMinute = oil
            case settings.recipe.solvent: rates[index].microlitersPerMinute = total - oil
            default: rates[index] = .zero
            }
        }
        try fit(settings.pumps)
    }

    /// Every pump at an equal share of its phase, to fill the lines.
    public static func prime(_ settings: Settings) throws(SetpointError) -> Setpoints {
        var setpoints = Setpoints(pumps: settings.pumps.count)
        try setpoints.setPrime(settings)
        return setpoints
    }

    mutating func setPrime(_ settings: Settings) throws(SetpointError) {
        let total = settings.rig.primeFlow.microlitersPerMinute
        let oil = total * settings.recipe.oilShare
        var aqueous = 0
        for pump in settings.pumps where pump.name != settings.recipe.oil { aqueous += 1 }
        for (index, pump) in settings.pumps.enumerated() {
            rates[index].microlitersPerMinute =
                pump.name == settings.recipe.oil ? oil : (total - oil) / Double(max(1, aqueous))
        }
        try fit(settings.pumps)
    }
}

/// Why a recipe cannot be run on this rig.
public enum SetpointError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The recipe has another number of values than the rig has variables.
    case wrongCount(expected: Int, got: Int)
    /// A value is negative or not finite.
    case notANumber(variable: String, value: Double)
    /// A value is outside the variable's limits.
    case outsideLimits(variable: String, value: Double, low: Double, high: Double)
    /// The reagents' percents add up to too much.
    case tooMuchReagent(sum: Double, maximum: Double)
    /// No pump has this name.
    case noPump(name: String)
    /// A pump cannot run that fast with its syringe.
    case tooFast(pump: String, rate: FlowRate, maximum: FlowRate)

    /// What is wrong and with which part of the rig.
    public var description: String {
        switch self {
        case .wrongCount(let expected, let got):
            "the recipe has \(got) values, the rig has \(expected) variables"
        case .notANumber(let variable, let value): "\(variable) = \(value) is not a usable number"
        case .outsideLimits(let variable, let value, let low, let high):
            "\(variable) = \(value) is outside its limits \(low) … \(high)"
        case .tooMuchReagent(let sum, let maximum):
            "the reagents add up to \(sum) % of the aqueous flow, more than \(maximum) %"
        case .noPump(let name): "no pump carries \(name)"
        case .tooFast(let pump, let rate, let maximum):
            "\(pump) would have to run at \(rate.microlitersPerMinute) uL/min; with its syringe "
                + "it can do \(maximum.microlitersPerMinute)"
        }
    }
}
