import Spectra
import Surrogates

/// The descent of one grid search.
final class GridTree {
    private let grid: RecipeGrid
    private let network: DenseNetwork
    private let loss: Loss
    private let values: [[Float]]
    private(set) var best: BestRecipes
    private var seen: Set<Int> = []
    private let root: LocalNetwork
    private let bound: LossBound
    private let resolver: Resolver
    /// Networks and forms, one per depth: a box's parts use those of the depth below it.
    private var networks: [LocalNetwork] = []
    private var forms: [BoxForms] = []
    /// Bounds of a block's neurons, by the columns of its region's network.
    private let blockBounds: BoxForms

    /// Points of the coarse grid along a variable that the descent starts from.
    private static let coarseSteps = 4
    private static let coarsePoints = 1_024
    /// Points whose neighbours are looked at before the descent.
    private static let mostExpansions = 2_000
    /// A box cut down to less than this part is bounded again, a larger one is halved too.
    private static let cutShare = 2
    /// The loss's own rounding, in double precision, with room to spare.
    private static let lossSlack = 1e-9
    /// A box is bounded only where δ · cos should exceed this.
    private static let leastGoal = 1e-3

    init(_ search: GridSearch, network: DenseNetwork, loss: Loss) {
        grid = search.grid
        self.network = network
        self.loss = loss
        values = search.grid.values.map { $0.map { Float($0) } }
        best = BestRecipes(count: search.bestCount)
        root = LocalNetwork(network)
        bound = LossBound(network: network, loss: loss, columns: root.columnCount)
        resolver = Resolver(layerCount: root.layers.count)
        blockBounds = BoxForms(dimension: grid.dimension, columns: root.columnCount)
    }

    /// Looks at the whole grid.
    func descend(_ shouldStop: () -> Bool) throws(GridError) {
        try findIncumbents(shouldStop)
        let known = BoxForms(dimension: grid.dimension, columns: root.columnCount)
        let smaller = LocalNetwork(inputs: grid.dimension, layerCount: root.layers.count)
        let scratch = LocalNetwork(inputs: grid.dimension, layerCount: root.layers.count)
        for region in parts(of: GridBox(grid), points: GridSearch.regionPoints) {
            set(region, known)
            set(region, blockBounds)
            resolver.enclose(root, known, into: scratch, blockBounds, isRoot: true)
            resolver.resolve(root, in: known, into: smaller, isRoot: true, isDropOnly: true)
            for block in parts(of: region, points: GridSearch.blockPoints) {
                if shouldStop() { throw .stopped }
                visit(block, of: smaller, depth: 0, LossBound.Ranges())
            }
        }
    }

    private func set(_ box: GridBox, _ known: BoxForms) {
        known.setBox(
            low: { values[$0][Int(box.low[$0])] }, high: { values[$0][Int(box.high[$0])] })
    }

    /// `whole` in boxes of at most `points`, without those the cap forbids.
    private func parts(of whole: GridBox, points: Int) -> [GridBox] {
        var pending = [whole]
        var done: [GridBox] = []
        while let box = pending.popLast() {
            guard grid.keepsCap(box.low) else { continue }
            guard box.pointCount(grid.dimension) > points else {
                done.append(box)
                continue
            }
            var longest = 0
            for variable in 1..<max(1, grid.dimension)
            where box.count(variable) > box.count(longest) {
                longest = variable
            }
            let (first, second) = box.halves(longest)
            pending.append(second)
            pending.append(first)
        }
        return done
    }

    /// Predicts the recipe at `steps` unless that was done before.
    private func evaluate(_ steps: SIMD16<Int32>) {
        let index = grid.index(of: steps)
        guard seen.insert(index).inserted else { return }
        best.counters.evaluated += 1
        if let value = GridSearch.loss(of: grid.recipe(at: steps), network, loss) {
            best.insert(index, value)
        }
    }

    /// Good recipes from a coarse grid and the neighbours of the best: the sooner the worst of
    /// the best is good, the more is left out.
    private func findIncumbents(_ shouldStop: () -> Bool) throws(GridError) {
        let dimension = grid.dimension
        var counts = grid.values.map { min($0.count, Self.coarseSteps) }
        while counts.reduce(1, { min($0 * $1, Self.coarsePoints * 2) }) > Self.coarsePoints {
            guard let most = counts.indices.max(by: { counts[$0] < counts[$1] }) else { break }
            counts[most] -= 1
        }
        let total = counts.reduce(1, *)
        for number in 0..<total {
            if number & 0xff == 0, shouldStop() { throw .stopped }
            var rest = number
            var steps = SIMD16<Int32>()
            for variable in 0..<dimension {
                let part = rest % counts[variable]
                rest /= counts[variable]
                steps[variable] = Int32(
                    (2 * part + 1) * grid.values[variable].count / (2 * counts[variable]))
            }
            if grid.keepsCap(steps) { evaluate(steps) }
        }
        var expanded: Set<Int> = []
        while expanded.count < Self.mostExpansions {
            guard let next = best.entries.first(where: { !expanded.contains($0.index) }) else {
                return
            }
            expanded.insert(next.index)
            if shouldStop() { throw .stopped }
            let steps = grid.steps(of: next.index)
            for variable in 0..<dimension {
                for step in [Int32(-1), 1] {
                    var near = steps
                    near[variable] += step
                    guard 0..<Int32(grid.values[variable].count) ~= near[variable],
                        grid.keepsCap(near)
                    else { continue }
                    evaluate(near)
                }
            }
        }
    }

    /// Leaves `box` out, predicts its only point, or halves it.
    private func visit(
        _ box: GridBox, of parent: LocalNetwork, depth: Int, _ old: LossBound.Ranges
    ) {
        guard grid.keepsCap(box.low) else { return }
        let points = box.pointCount(grid.dimension)
        while forms.count <= depth {
            forms.append(BoxForms(dimension: grid.dimension, columns: root.columnCount))
            networks.append(
                LocalNetwork(inputs: grid.dimension, layerCount: root.layers.count))
        }
        let known = forms[depth]
        set(box, known)
        let child = networks[depth]
        let isFused = depth < GridSearch.fusedDepths
        if isFused {
            set(box, blockBounds)
            resolver.enclose(parent, blockBounds, into: child, known, isRoot: depth == 0)
        } else {
            known.enclose(parent)
        }
        let network = isFused ? child : parent
        best.counters.boxes += 1
        var ranges = old
        let goal = 1 - best.threshold - Self.lossSlack
        var open = box
        if points <= GridSearch.boundedPoints, goal > Self.leastGoal {
            let isBelow = bound.staysBelow(goal, network, known, &ranges)
            guard !isBelow, let rest = cut(box) else {
                best.counters.prunedBoxes += 1
                best.counters.prunedPoints += points
                return
            }
            open = rest
        }
        guard points > 1 else { return evaluate(box.low) }
        if !isFused { resolver.resolve(parent, in: known, into: child, isRoot: depth == 0) }
        let left = open.pointCount(grid.dimension)
        best.counters.prunedPoints += points - left
        guard left * Self.cutShare > points else {
            return visit(open, of: child, depth: depth + 1, ranges)
        }
        let half = open.halves(widest(open, known))
        visit(half.0, of: child, depth: depth + 1, ranges)
        visit(half.1, of: child, depth: depth + 1, ranges)
    }

    /// What the bounds last worked out leave open of their box, nil when nothing.
    private func cut(_ box: GridBox) -> GridBox? {
        var open = box
        for variable in 0..<grid.dimension {
            let values = self.values[variable]
            let (low, high) = (bound.keptLow[variable], bound.keptHigh[variable])
            while open.low[variable] <= open.high[variable],
                Double(values[Int(open.low[variable])]) < low
            { open.low[variable] += 1 }
            while open.low[variable] <= open.high[variable],
                Double(values[Int(open.high[variable])]) > high
            { open.high[variable] -= 1 }
            if open.low[variable] > open.high[variable] { return nil }
        }
        return open
    }

    /// The variable to halve: the one that moves the bound most.
    private func widest(_ box: GridBox, _ known: BoxForms) -> Int {
        var widest = -1
        for variable in 0..<grid.dimension where box.count(variable) > 1 {
            if widest < 0 || bound.influences[variable] > bound.influences[widest] {
                widest = variable
            }
        }
        return widest
    }
}
