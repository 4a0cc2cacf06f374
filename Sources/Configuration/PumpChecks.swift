import Quantities

extension SettingsChecker {
    /// Speeds a New Era pump can be set to (NE-500 and NE-9000 manuals).
    private static let newEraBauds = [300, 1_200, 2_400, 9_600, 19_200]
    /// Speeds the `baud` command of the Pump 11 Elite takes (manual p. 53).
    private static let eliteBauds = [
        9_600, 19_200, 38_400, 57_600, 115_200, 128_000, 230_400, 256_000, 460_800, 921_600,
    ]

    /// Pumps that share a line.
    mutating func checkLines() {
        let pumps = settings.pumps
        var masters: [String: Int] = [:]
        var taken: [String: Int] = [:]
        for (index, pump) in pumps.enumerated() {
            let path = "pump[\(index)]"
            guard !pump.port.isEmpty else {
                error("\(path).port", "the port of \"\(pump.name)\" is empty")
                continue
            }
            // A chip's lines are told apart by their names.
            guard pump.dialect != .stepper else { continue }
            if let other = taken["\(pump.address) \(pump.port)"] {
                error(
                    "\(path).address",
                    "\"\(pump.name)\" and \"\(pumps[other].name)\" both have address "
                        + "\(pump.address) on \(pump.port)",
                    "set another address on one of the pumps and here")
            }
            taken["\(pump.address) \(pump.port)"] = index
            guard let other = masters[pump.port] else {
                masters[pump.port] = index
                continue
            }
            let first = pumps[other]
            if first.baud != pump.baud {
                error(
                    "\(path).baud",
                    "\"\(pump.name)\" shares its line with \"\(first.name)\" at "
                        + "another speed (\(first.baud))", "all pumps of a line have one speed")
            }
            if first.dialect != pump.dialect {
                error(
                    "\(path).dialect",
                    "\"\(pump.name)\" shares its line with \"\(first.name)\", "
                        + "which speaks \(first.dialect.rawValue)", "use a line for each language")
            }
        }
        for (port, index) in masters.sorted(by: { $0.value < $1.value })
        where pumps[index].dialect != .newEra
            && !pumps.contains(where: { $0.port == port && $0.address == 0 })
        {
            warning(
                "pump[\(index)].address", "no pump on \(port) has address 0",
                "in a Harvard chain the pump wired to the computer has it")
        }
    }

    mutating func checkPumps() {
        for (index, pump) in settings.pumps.enumerated() {
            let path = "pump[\(index)]"
            checkStepper(pump, path)
            checkStroke(pump, path)
            if pump.maximumRate > .zero, pump.minimumRate > pump.maximumRate {
                error("\(path).minimum_rate", "the minimum rate is above the maximum rate", "swap")
            }
            guard pump.dialect != .stepper else { continue }
            let isNewEra = pump.dialect == .newEra
            let bauds = isNewEra ? Self.newEraBauds : Self.eliteBauds
            if !bauds.contains(pump.baud) {
                let known = bauds.map { "\($0)" }.joined(separator: " ")
                error(
                    "\(path).baud",
                    "a \(pump.dialect.rawValue) pump cannot be set to \(pump.baud) baud",
                    "permitted: \(known)")
            }
            let widest = isNewEra ? 50.0 : 33.0
            if pump.syringeDiameter.millimeters > widest {
                error(
                    "\(path).syringe.diameter",
                    "a \(pump.dialect.rawValue) pump takes no syringe this wide",
                    "permitted: up to \(Dimension.length.format(widest))")
            }
            if isNewEra, pump.framing == .safe { checkDeadMan(pump, path) }
        }
    }

    /// A stroke no syringe has gives away a diameter and volume that do not belong together.
    private mutating func checkStroke(_ pump: PumpSettings, _ path: String) {
        let stroke = pump.syringeVolume.microliters / pump.syringeDiameter.circleArea
        guard stroke < 5 || stroke > 250 else { return }
        let shown = Dimension.length.format(stroke.rounded())
        warning(
            "\(path).syringe",
            "the syringe of \"\(pump.name)\" would have a stroke of \(shown)",
            "check diameter and volume")
    }

    private mutating func checkDeadMan(_ pump: PumpSettings, _ path: String) {
        let second: Int64 = 1_000_000_000
        let time = pump.deadMan.nanoseconds
        if time < second || time > 255 * second || time % second != 0 {
            error(
                "\(path).dead_man", "the pump's dead-man timer counts whole seconds",
                "permitted: 1 s … 255 s")
        } else if pump.replyTimeout * 2 > pump.deadMan {
            error(
                "\(path).reply_timeout",
                "one lost reply would let the dead-man timer of \"\(pump.name)\" expire",
                "make dead_man at least twice reply_timeout")
        }
    }

    /// What the recipes ask of each pump, against what it can do with its syringe.
    mutating func checkRates() {
        let variables = settings.variables
        guard let total = variables.first(where: { $0.kind == .totalFlow }) else { return }
        let now = RateDemand(settings, total: (total.low, total.high)) { ($0.low, $0.high) }
        let later = RateDemand(settings, total: (total.lowLimit, total.highLimit)) {
            ($0.lowLimit, $0.highLimit)
        }
        for (index, variable) in variables.enumerated() {
            guard case .reagentPercent(let name) = variable.kind, let pump = pump(name) else {
                continue
            }
            let path = "variable[\(index)]"
            compare(
                pump, (now.reagent(variable), "\(path).bounds"),
                (later.reagent(variable), "\(path).limits"))
        }
        if let pump = pump(settings.recipe.solvent) {
            let path = "pump[\(pump)].syringe"
            compare(pump, (now.solvent, path), (later.solvent, path))
            prime(pump, share: 1 - settings.recipe.oilShare)
        }
        if let pump = pump(settings.recipe.oil) {
            let path = "pump[\(pump)].syringe"
            compare(pump, (now.oil, path), (later.oil, path))
            prime(pump, share: settings.recipe.oilShare)
        }
    }

    /// Bounds a pump cannot deliver are an error; limits, which may never be reached, a warning.
    private mutating func compare(
        _ pump: Int, _ bounds: (RateDemand.Range, path: String),
        _ limits: (RateDemand.Range, path: String)
    ) {
        let hint = "change the syringe, the total flow, or the "
        if let message = excess(pump, bounds.0, "bounds") {
            error(bounds.path, message, hint + "bounds")
        } else if let message = excess(pump, limits.0, "limits") {
            warning(limits.path, message, hint + "limits; recipes beyond will be refused")
        }
    }

    /// What is wrong when the pump cannot do all of `demand`. Zero is always possible: the pump
    /// stands still.
    private func excess(_ index: Int, _ demand: RateDemand.Range, _ what: String) -> String? {
        let pump = settings.pumps[index]
        let low = pump.rateLimits.lowerBound.microlitersPerMinute
        let high = pump.rateLimits.upperBound.microlitersPerMinute
        // A millionth is the rounding of shares and bores, not a wish.
        let slack = 1e-6
        let isTooSlow = demand.low > 0 && demand.low < low * (1 - slack)
        guard isTooSlow || demand.high > high * (1 + slack) else { return nil }
        return "within these \(what) the pump \"\(pump.name)\" is asked for "
            + "\(show(demand.low)) … \(show(demand.high)), but can do \(show(low)) … "
            + "\(show(high)) with its syringe"
    }

    /// A rate for people.
    private func show(_ rate: Double) -> String {
        let digits = rate < 1 ? 1e6 : 1e3
        return Dimension.flow.format((rate * digits).rounded() / digits)
    }

    private mutating func prime(_ index: Int, share: Double) {
        let pump = settings.pumps[index]
        let rate = settings.rig.primeFlow.microlitersPerMinute * share
        let able = pump.rateLimits
        let low = able.lowerBound.microlitersPerMinute
        let high = able.upperBound.microlitersPerMinute
        guard rate > high * 1.000_001 || rate < low * 0.999_999 else { return }
        error(
            "rig.prime_flow",
            "priming asks the pump \"\(pump.name)\" for "
                + "\(show(rate)), which it cannot do with its syringe",
            "permitted for this pump: \(show(low)) … \(show(high))")
    }
}

/// The slowest and fastest rates recipes can ask for, µL/min.
private struct RateDemand {
    typealias Range = (low: Double, high: Double)

    private let aqueous: Range
    private let most: Double
    private let lowSum: Double
    private let highSum: Double
    private let range: (VariableSettings) -> Range
    /// What the oil pump is asked for.
    let oil: Range

    init(_ settings: Settings, total: Range, range: @escaping (VariableSettings) -> Range) {
        let recipe = settings.recipe
        aqueous = (total.low * (1 - recipe.oilShare), total.high * (1 - recipe.oilShare))
        oil = (total.low * recipe.oilShare, total.high * recipe.oilShare)
        most = recipe.maximumReagentShare
        self.range = range
        let reagents = settings.variables.filter(\.isReagent).map(range)
        lowSum = reagents.map { $0.low / 100 }.reduce(0, +)
        highSum = reagents.map { $0.high / 100 }.reduce(0, +)
    }

    /// What the pump of a reagent is asked for: its share is bounded by its own range and by
    /// what the other reagents' low bounds leave of the largest sum.
    func reagent(_ variable: VariableSettings) -> Range {
        let (low, high) = range(variable)
        let left = most - (lowSum - low / 100)
        return (low / 100 * aqueous.low, max(0, min(high / 100, left)) * aqueous.high)
    }

    /// What the solvent pump is asked for: the rest.
    var solvent: Range {
        (max(0, 1 - min(most, highSum)) * aqueous.low, max(0, 1 - lowSum) * aqueous.high)
    }
}
