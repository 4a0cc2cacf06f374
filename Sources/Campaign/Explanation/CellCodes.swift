/// What orders recipes: a byte for each of the variables a network heeds most.
struct CellCodes {
    /// Variables that are coded at most; the number of the recipe has what is left of a record.
    static let most = 5
    /// Bit a record's number begins at.
    static let numberShift = UInt64(8 * most)
    /// Numbers there are at most.
    static let numbers = 1 << (64 - 8 * most)
    private static let steps: Float = 255

    /// One byte of a record each.
    let variables: [Int]
    /// What a step of its code weighs, by variable coded. The root: what a rectifier does not
    /// pass on makes the variables more alike than the first layer's weights say.
    let stepWeights: [Float]
    private let lows: [Float]
    private let scales: [Float]

    /// Codes of the recipes of `source`, whose variables count as `weights` say.
    init(_ source: some RecipeSource, weights: [Float]) {
        let ranges = weights.indices.map { source.range(of: $0) }
        let steps = weights.indices.map { variable in
            (weights[variable] * (ranges[variable].high - ranges[variable].low)).squareRoot()
        }
        variables = Array(
            weights.indices.sorted { (steps[$0], $1) > (steps[$1], $0) }.prefix(Self.most))
        stepWeights = variables.map { steps[$0] }
        lows = variables.map { ranges[$0].low }
        scales = variables.map { variable in
            let span = ranges[variable].high - ranges[variable].low
            let scale = Self.steps / span
            return scale.isFinite && span.isFinite ? scale : 0
        }
    }

    /// The codes of a recipe.
    @inline(__always)
    func codes(of recipe: UnsafePointer<Float>) -> UInt64 {
        var word: UInt64 = 0
        for (place, variable) in variables.enumerated() {
            let step = (recipe[variable] - lows[place]) * scales[place]
            let code = UInt64(UInt8(truncatingIfNeeded: Int32(min(step, Self.steps))))
            word |= code << UInt64(8 &* place)
        }
        return word
    }

    /// The bits of the codes of those variables whose bits of `coalition` are set.
    func mask(_ coalition: Int) -> UInt64 {
        var mask: UInt64 = 0
        for (place, variable) in variables.enumerated() where coalition >> variable & 1 == 1 {
            mask |= 0xff << UInt64(8 * place)
        }
        return mask
    }
}
