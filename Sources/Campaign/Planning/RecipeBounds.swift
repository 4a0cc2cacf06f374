import Configuration

/// The bounds in force: what each variable may be at the moment, within its limits.
public struct RecipeBounds: Equatable, Sendable {
    /// Least value per variable (percent or µL/min).
    public var lows: [Double]
    /// Largest value per variable.
    public var highs: [Double]

    /// Bounds.
    public init(lows: [Double], highs: [Double]) {
        self.lows = lows
        self.highs = highs
    }

    /// The bounds a campaign starts with.
    public init(of variables: [VariableSettings]) {
        lows = variables.map(\.low)
        highs = variables.map(\.high)
    }

    /// One bound that moved.
    public struct Move: Equatable, Sendable {
        /// Index of the variable.
        public var variable: Int
        /// Whether it was the upper one.
        public var isHigh: Bool
        /// Where it was.
        public var from: Double
        /// Where it is.
        public var to: Double
    }

    /// A proposal within this share of the range of a bound sits on it.
    static let edgeShare = 0.01

    /// Moves every bound that at least `share` of `recipes` sit on by `step` of the way to its
    /// limit, and says which moved.
    ///
    /// A bound that would come within 1 % of its limit's distance from the opposite bound goes
    /// all the way: creeping up on a limit for ever serves nobody.
    mutating func widen(
        where recipes: [[Double]], share: Double, step: Double, limits: [VariableSettings]
    ) -> [Move] {
        let needed = max(1, Int((share * Double(recipes.count)).rounded(.up)))
        var moves: [Move] = []
        for index in lows.indices {
            let low = lows[index]
            let high = highs[index]
            let edge = Self.edgeShare * (high - low)
            let atLow = recipes.reduce(0) { $0 + ($1[index] <= low + edge ? 1 : 0) }
            let atHigh = recipes.reduce(0) { $0 + ($1[index] >= high - edge ? 1 : 0) }
            let lowLimit = limits[index].lowLimit
            let highLimit = limits[index].highLimit
            let near = Self.edgeShare * (highLimit - lowLimit)
            if atLow >= needed, low > lowLimit {
                var moved = (low - step * (low - lowLimit)).tidied
                if moved - lowLimit <= near { moved = lowLimit }
                lows[index] = min(low, max(moved, lowLimit))
                moves.append(Move(variable: index, isHigh: false, from: low, to: lows[index]))
            }
            if atHigh >= needed, high < highLimit {
                var moved = (high + step * (highLimit - high)).tidied
                if highLimit - moved <= near { moved = highLimit }
                highs[index] = max(high, min(moved, highLimit))
                moves.append(Move(variable: index, isHigh: true, from: high, to: highs[index]))
            }
        }
        return moves
    }
}
