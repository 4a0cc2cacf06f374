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
        points.reserveCapacity(
            (inside.count + inside.count * outside.count * perPair) * dimension)
        pairs.reserveCapacity(inside.count * outside.count)
        for recipe in inside { points += recipe }
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
            for (index, other) in outside.enumerated() {
                if let place, let twin = twins[index], twin < number {
                    let pair = pairs[twin * outside.count + place]
                    pairs.append(Pair(start: pair.start, isTurned: true))
                    continue
                }
                pairs.append(Pair(start: count, isTurned: false))
                for coalition in 1..<max(1, coalitions - 1) {
                    for variable in 0..<dimension {
                        let isIn = coalition >> variable & 1 == 1
                        points.append(isIn ? recipe[variable] : other[variable])
                    }
                }
                count += perPair
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
