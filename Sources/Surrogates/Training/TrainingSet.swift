/// Recipes and what was measured at them, one condition at a time.
///
/// All droplets of a condition share one recipe, so that a network cannot tell them apart: the
/// squared errors of n droplets are n·(f − mean)² plus what no network can change. Their mean with
/// weight n has the same minimiser at a fraction of the work, and that is what is kept.
public struct TrainingSet: Equatable, Sendable {
    /// Most conditions.
    public static let maximumConditions = 100_000
    /// Most numbers in one row, in or out.
    public static let maximumWidth = 16_384
    /// Most numbers in all rows.
    public static let maximumNumbers = 1 << 28
    /// Largest magnitude of a number: its square stays far from the limit of single precision.
    public static let maximumMagnitude: Float = 1e12

    /// Numbers in a recipe.
    public let inputCount: Int
    /// Numbers in a measurement.
    public let outputCount: Int
    /// Recipes, `inputCount` numbers each.
    public let inputs: [Float]
    /// Mean measurements, `outputCount` numbers each.
    public let outputs: [Float]
    /// Droplets behind each mean.
    public private(set) var weights: [Float]
    /// What the caller calls each condition; ascending.
    public let names: [Int]

    /// How many conditions there are.
    public var count: Int { weights.count }

    /// Rows of `inputCount` and `outputCount` numbers; rows with the same `condition` are
    /// averaged. Throws when sizes disagree, a limit is passed or a number is not finite.
    public init(
        inputs: [Float], outputs: [Float], inputCount: Int, outputCount: Int, condition: [Int]
    ) throws(TrainingError) {
        guard !condition.isEmpty else { throw .empty }
        for (what, width) in [("inputs", inputCount), ("outputs", outputCount)] {
            guard (1...Self.maximumWidth).contains(width) else {
                throw .tooLarge(what: what, found: width, limit: Self.maximumWidth)
            }
        }
        let rows = condition.count
        for (what, width, numbers) in [
            ("inputs", inputCount, inputs), ("outputs", outputCount, outputs),
        ] {
            guard rows <= Self.maximumNumbers / width else {
                throw .tooLarge(what: what, found: rows, limit: Self.maximumNumbers / width)
            }
            guard numbers.count == rows * width else {
                throw .sizesDisagree(what: what, expected: rows * width, found: numbers.count)
            }
            if let bad = numbers.firstIndex(where: { !(abs($0) <= Self.maximumMagnitude) }) {
                throw .notFinite(what: what, row: bad / width)
            }
        }
        var members: [Int: [Int]] = [:]
        for (row, name) in condition.enumerated() { members[name, default: []].append(row) }
        guard members.count <= Self.maximumConditions else {
            throw .tooLarge(
                what: "conditions", found: members.count, limit: Self.maximumConditions)
        }
        let names = members.keys.sorted()
        self.inputCount = inputCount
        self.outputCount = outputCount
        self.names = names
        weights = names.map { Float(members[$0]?.count ?? 0) }
        self.inputs = names.flatMap { Self.mean(inputs, width: inputCount, members[$0] ?? []) }
        self.outputs = names.flatMap { Self.mean(outputs, width: outputCount, members[$0] ?? []) }
    }

    /// The same conditions, each counting `factors` times as much.
    func weighted(_ factors: [Float]) -> TrainingSet {
        var copy = self
        copy.weights = zip(weights, factors).map { $0 * $1 }
        return copy
    }

    private init(_ from: TrainingSet, _ chosen: [Int]) {
        inputCount = from.inputCount
        outputCount = from.outputCount
        inputs = chosen.flatMap { from.inputs[$0 * from.inputCount..<($0 + 1) * from.inputCount] }
        outputs = chosen.flatMap {
            from.outputs[$0 * from.outputCount..<($0 + 1) * from.outputCount]
        }
        weights = chosen.map { from.weights[$0] }
        names = chosen.map { from.names[$0] }
    }

    /// The conditions at `places`, in that order; a place may come more than once.
    public func choosing(_ places: [Int]) -> TrainingSet { TrainingSet(self, places) }

    private static func mean(_ values: [Float], width: Int, _ rows: [Int]) -> [Float] {
        var sums = [Double](repeating: 0, count: width)
        for row in rows {
            for column in 0..<width { sums[column] += Double(values[row * width + column]) }
        }
        return sums.map { Float($0 / Double(rows.count)) }
    }
}

/// Why a network cannot be trained.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No rows at all.
    case empty
    /// Fewer conditions than a fit and its held-out part need.
    case tooFew(conditions: Int, needed: Int)
    /// More than the limit.
    case tooLarge(what: String, found: Int, limit: Int)
    /// Another count of numbers than the rows ask for.
    case sizesDisagree(what: String, expected: Int, found: Int)
    /// A number that is NaN, infinite or beyond `TrainingSet.maximumMagnitude`.
    case notFinite(what: String, row: Int)
    /// A setting that makes no sense.
    case badSetting(name: String, why: String)
    /// A saved state or a network to start from that belongs to another training.
    case doesNotFit(what: String)
    /// The error of the fit became infinite.
    case diverged(epoch: Int)

    /// What is wrong and what to do about it.
    public var description: String {
        switch self {
        case .empty: "no measurements: give at least two conditions"
        case .tooFew(let conditions, let needed):
            "\(conditions) conditions, \(needed) are needed: measure more or hold out fewer"
        case .tooLarge(let what, let found, let limit):
            "\(what): \(found) is outside 1…\(limit): leave some out"
        case .sizesDisagree(let what, let expected, let found):
            "\(what): \(found) numbers, the rows ask for \(expected)"
        case .notFinite(let what, let row):
            "\(what): row \(row + 1) is not finite or absurdly large: leave it out"
        case .badSetting(let name, let why): "\(name) \(why)"
        case .doesNotFit(let what): "\(what) belongs to another training: start anew"
        case .diverged(let epoch):
            "the error became infinite in epoch \(epoch): lower the learning rate"
        }
    }
}
