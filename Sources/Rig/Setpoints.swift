import Configuration
import Quantities

/// A recipe turned into one rate per pump, checked against what the rig can do.
public struct Setpoints: Equatable, Sendable {
    /// The rate of each pump, in configuration order.
    public var rates: [FlowRate]
    /// What was changed to fit a pump, in words; empty when nothing was.
    public var adjustments: [String]

    /// All rates together.
    public var total: FlowRate {
        FlowRate(microlitersPerMinute: rates.reduce(0) { $0 + $1.microlitersPerMinute })
    }

    /// Oil and aqueous flow of `recipe` (values in the order of the variables), the aqueous part
    /// divided among the reagents, the rest of it solvent.
    ///
    /// - Throws: `SetpointError` when the recipe is not one this rig can run.
    public init(recipe: [Double], settings: Settings) throws(SetpointError) {
        guard recipe.count == settings.variables.count else {
            throw .wrongCount(expected: settings.variables.count, got: recipe.count)
        }
        var total = settings.rig.primeFlow.microlitersPerMinute
        var percents: [(pump: String, percent: Double)] = []
        for (variable, value) in zip(settings.variables, recipe) {
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
            case .reagentPercent(let pump): percents.append((pump, value))
            case .free: throw .noPump(name: variable.name)
            }
        }
        let sum = percents.reduce(0) { $0 + $1.percent }
        let maximum = settings.recipe.maximumReagentShare * 100
        guard sum <= maximum + 1e-6 else { throw .tooMuchReagent(sum: sum, maximum: maximum) }

        let oil = total * settings.recipe.oilShare
        let aqueous = total - oil
        var rates = [FlowRate](repeating: .zero, count: settings.pumps.count)
        func add(_ rate: Double, to name: String) throws(SetpointError) {
            guard let index = settings.pumps.firstIndex(where: { $0.name == name }) else {
                throw .noPump(name: name)
            }
            rates[index].microlitersPerMinute += rate
        }
        for (pump, percent) in percents { try add(aqueous * percent / 100, to: pump) }
        try add(aqueous * max(0, 100 - sum) / 100, to: settings.recipe.solvent)
        try add(oil, to: settings.recipe.oil)
        try self.init(rates: rates, pumps: settings.pumps)
    }

    /// Rates as asked for, fitted to what each pump can do.
    ///
    /// A rate below a pump's minimum becomes the nearer of zero and the minimum, which is said
    /// in `adjustments`; a rate above its maximum is an error: nothing is scaled in silence.
    public init(rates asked: [FlowRate], pumps: [PumpSettings]) throws(SetpointError) {
        var rates = asked
        adjustments = []
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
                adjustments.append(
                    "\(pump.name): \(rate.microlitersPerMinute) uL/min is below what the pump can "
                        + "do; it runs at \(fitted.microlitersPerMinute) uL/min")
                rates[index] = fitted
            }
        }
        self.rates = rates
    }

    /// Solvent and oil alone, at the priming flow: the droplets of a reference.
    public static func reference(_ settings: Settings) throws(SetpointError) -> Setpoints {
        let total = settings.rig.primeFlow.microlitersPerMinute
        let oil = total * settings.recipe.oilShare
        let rates = settings.pumps.map { pump in
            switch pump.name {
            case settings.recipe.oil: FlowRate(microlitersPerMinute: oil)
            case settings.recipe.solvent: FlowRate(microlitersPerMinute: total - oil)
            default: FlowRate.zero
            }
        }
        return try Setpoints(rates: rates, pumps: settings.pumps)
    }

    /// Every pump at an equal share of its phase, to fill the lines.
    public static func prime(_ settings: Settings) throws(SetpointError) -> Setpoints {
        let total = settings.rig.primeFlow.microlitersPerMinute
        let oil = total * settings.recipe.oilShare
        let aqueous = settings.pumps.filter { $0.name != settings.recipe.oil }.count
        let rates = settings.pumps.map { pump in
            FlowRate(
                microlitersPerMinute: pump.name == settings.recipe.oil
                    ? oil : (total - oil) / Double(max(1, aqueous)))
        }
        return try Setpoints(rates: rates, pumps: settings.pumps)
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
