/// Recipes, and their mixtures with a background in all true coalitions of variables.
///
/// Where two recipes of the background are explained, the mixtures of the one with the other
/// are those of the other with the one, the coalition turned round: these are kept once. None is
/// written out: a mixture's number says which pair it is of, and the coalition in its low bits.
struct Mixtures: RecipeSource {
    let recipeCount: Int
    let count: Int
    var numbers: Int { kept.count << dimension }

    private let dimension: Int
    private let coalitions: Int
    private let backgroundCount: Int
    /// `dimension` numbers each: the recipes explained, then the background.
    private let values: [Float]
    /// Mixed are the recipes at these places of `values`; a recipe with itself at the end.
    private var kept: [(own: Int32, other: Int32)] = []
    /// Where a pair's mixtures are, recipe by recipe.
    private var pairs: [Pair] = []

    private struct Pair {
        var index: Int
        var isTurned: Bool
    }

    init(recipes: ArraySlice<[Double]>, background: [[Double]]) {
        let inside = recipes.map { $0.map { Float($0) } }
        let outside = background.map { $0.map { Float($0) } }
        dimension = inside.first?.count ?? 0
        recipeCount = inside.count
        backgroundCount = outside.count
        coalitions = 1 << dimension
        values = Array(inside.joined()) + Array(outside.joined())
        pairs.reserveCapacity(inside.count * outside.count)
        // The first of equal recipes stands for them.
        let recipePlaces = Dictionary(
            zip(inside, inside.indices), uniquingKeysWith: { first, _ in first })
        let backgroundPlaces = Dictionary(
            zip(outside, outside.indices), uniquingKeysWith: { first, _ in first })
        let twins = outside.map { recipePlaces[$0] }
        func name(_ place: Int) -> Int32 { Int32(truncatingIfNeeded: place) }
        for (number, recipe) in inside.enumerated() {
            let isFirst = recipePlaces[recipe] == number
            let place = isFirst ? backgroundPlaces[recipe] : nil
            for index in outside.indices {
                if let place, let twin = twins[index], twin < number {
                    let pair = pairs[twin * outside.count + place]
                    pairs.append(Pair(index: pair.index, isTurned: true))
                    continue
                }
                pairs.append(Pair(index: kept.count, isTurned: false))
                kept.append((name(number), name(inside.count + index)))
            }
        }
        count = kept.count * max(0, coalitions - 2) + inside.count
        for number in inside.indices { kept.append((name(number), name(number))) }
    }

    func range(of variable: Int) -> (low: Float, high: Float) {
        var (low, high) = (Float.infinity, -Float.infinity)
        for place in stride(from: variable, to: values.count, by: dimension) {
            low = min(low, values[place])
            high = max(high, values[place])
        }
        return (low, high)
    }

    func encode(_ codes: CellCodes, into records: UnsafeMutablePointer<UInt64>) {
        let words = values.withUnsafeBufferPointer { values in
            stride(from: 0, to: values.count, by: max(1, dimension)).compactMap { first in
                values.baseAddress.map { codes.codes(of: $0 + first) }
            }
        }
        let masks = (0..<coalitions).map { codes.mask($0) }
        let full = coalitions - 1
        var filled = 0
        masks.withUnsafeBufferPointer { masks in
            for (index, pair) in kept.enumerated() {
                let (own, other) = (words[Int(pair.own)], words[Int(pair.other)])
                let changed = own ^ other
                let first = UInt64(truncatingIfNeeded: index << dimension)
                if pair.own == pair.other {
                    let number = first | UInt64(truncatingIfNeeded: full)
                    records[filled] = own | number << CellCodes.numberShift
                    filled &+= 1
                    continue
                }
                for coalition in 1..<max(1, full) {
                    let number = first | UInt64(truncatingIfNeeded: coalition)
                    let mixed = other ^ (changed & masks[coalition])
                    records[filled] = mixed | number << CellCodes.numberShift
                    filled &+= 1
                }
            }
        }
    }

    func gather(
        _ order: UnsafePointer<Int32>, count: Int, into columns: UnsafeMutablePointer<Float>,
        distance: Int
    ) {
        values.withUnsafeBufferPointer { values in
            kept.withUnsafeBufferPointer { kept in
                for place in 0..<count {
                    let number = Int(order[place])
                    let pair = kept[number >> dimension]
                    let (own, other) = (Int(pair.own) &* dimension, Int(pair.other) &* dimension)
                    for variable in 0..<dimension {
                        // No branch: it would be guessed wrong half the time.
                        let isIn = number >> variable & 1
                        let from = other &+ (own &- other) &* isIn
                        columns[variable &* distance &+ place] = values[from &+ variable]
                    }
                }
            }
        }
    }

    /// What every coalition of the variables of recipe `number` is worth: the mean of `losses`,
    /// by number of the mixture, over the background. The empty coalition is left out, as zero.
    func worth(_ number: Int, _ losses: UnsafePointer<Float>) -> [Double] {
        var worth = [Double](repeating: 0, count: coalitions)
        let full = coalitions - 1
        for pair in pairs[(number * backgroundCount)..<((number + 1) * backgroundCount)] {
            let first = pair.index << dimension
            let turn = pair.isTurned ? full : 0
            for coalition in 1..<max(1, full) {
                worth[coalition] += Double(losses[first &+ (coalition ^ turn)])
            }
        }
        for coalition in 1..<max(1, full) { worth[coalition] /= Double(backgroundCount) }
        worth[full] = Double(losses[(kept.count - recipeCount + number) << dimension + full])
        return worth
    }
}
