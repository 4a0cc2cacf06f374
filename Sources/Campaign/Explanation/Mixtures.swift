/// Recipes, and their mixtures with a background in all true coalitions of variables.
///
/// Where two recipes of the background are explained, the mixtures of the one with the other
/// are those of the other with the one, the coalition turned round: these are kept once.
struct Mixtures {
    let recipeCount: Int
    /// `dimension` numbers each: the recipes, then the mixtures of every pair kept.
    private(set) var points: [Float] = []
    private let coalitions: Int
    private let backgroundCount: Int
    /// Where a pair's mixtures begin, recipe by recipe.
    private var pairs: [Pair] = []

    private struct Pair {
        var start: Int
        var isTurned: Bool
    }

    init(recipes: ArraySlice<[Double]>, background: [[Double]]) {
        let inside = recipes.map { $0.map { Float($0) } }
        let outside = background.map { $0.map { Float($0) } }
        let dimension = inside.first?.count ?? 0
        recipeCount = inside.count
        backgroundCount = outside.count
        coalitions = 1 << dimension
        let perPair = coalitions - 2
        pairs.reserveCapacity(inside.count * outside.count)
        var kept: [(recipe: Int, other: Int)] = []
        // The first of equal recipes stands for them.
        let recipePlaces = Dictionary(
            zip(inside, inside.indices), uniquingKeysWith: { first, _ in first })
        let backgroundPlaces = Dictionary(
            zip(outside, outside.indices), uniquingKeysWith: { first, _ in first })
        let twins = outside.map { recipePlaces[$0] }
        var count = inside.count
        for (number, recipe) in inside.enumerated() {
            let isFirst = recipePlaces[recipe] == number
            let place = isFirst ? backgroundPlaces[recipe] : nil
            for index in outside.indices {
                if let place, let twin = twins[index], twin < number {
                    let pair = pairs[twin * outside.count + place]
                    pairs.append(Pair(start: pair.start, isTurned: true))
                    continue
                }
                pairs.append(Pair(start: count, isTurned: false))
                kept.append((number, index))
                count += perPair
            }
        }
        points = Self.points(inside, outside, kept, coalitions, dimension)
    }

    /// The recipes, then the mixtures of the pairs `kept`. Written straight to memory: appending
    /// a million numbers one by one takes longer than choosing them.
    private static func points(
        _ inside: [[Float]], _ outside: [[Float]], _ kept: [(recipe: Int, other: Int)],
        _ coalitions: Int, _ dimension: Int
    ) -> [Float] {
        let mixed = max(0, coalitions - 2)
        let count = (inside.count + kept.count * mixed) * dimension
        return [Float](unsafeUninitializedCapacity: count) { target, filled in
            for value in inside.joined() {
                target.initializeElement(at: filled, to: value)
                filled += 1
            }
            for pair in kept {
                inside[pair.recipe].withUnsafeBufferPointer { own in
                    outside[pair.other].withUnsafeBufferPointer { other in
                        for coalition in 1..<max(1, coalitions - 1) {
                            for variable in 0..<dimension {
                                let isIn = coalition >> variable & 1 == 1
                                let value = isIn ? own[variable] : other[variable]
                                target.initializeElement(at: filled &+ variable, to: value)
                            }
                            filled &+= dimension
                        }
                    }
                }
            }
        }
    }

    /// What every coalition of the variables of recipe `number` is worth: the mean of `losses`,
    /// one per point, over the background. The empty coalition is left out, as zero.
    func worth(_ number: Int, _ losses: [Double]) -> [Double] {
        var worth = [Double](repeating: 0, count: coalitions)
        let full = coalitions - 1
        for pair in pairs[(number * backgroundCount)..<((number + 1) * backgroundCount)] {
            for coalition in 1..<max(1, full) {
                let place = pair.isTurned ? full - coalition : coalition
                worth[coalition] += losses[pair.start + place - 1]
            }
        }
        for coalition in 1..<max(1, full) { worth[coalition] /= Double(backgroundCount) }
        worth[full] = losses[number]
        return worth
    }
}
