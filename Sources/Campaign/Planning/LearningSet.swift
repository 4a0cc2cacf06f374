/// Which conditions models learn from when there are more than they may: what a fit takes grows
/// with the cube of their number and its memory with the square, and a rig that nobody looks after
/// must still plan within its memory after a month.
///
/// Kept are the last run's conditions (a forecast is judged by them), the best quarter (the search
/// goes on around them), and of the rest those farthest from everything kept, one after the other
/// (Gonzalez' greedy k-centres, Theor. Comput. Sci. 38, 1985): what is dropped lies next to
/// something kept, where a further measurement tells a model least.
struct LearningSet: Sendable {
    /// Conditions at most.
    let limit: Int

    /// Share of `limit` that goes to the best conditions, and at most to those of the last run.
    private static let bestShare = 0.25
    private static let lastShare = 0.5

    /// Those of `history`, by condition number as it is, that count; `place` tells where a recipe
    /// is in the coordinates models see. All of it while there are few enough.
    func chosen(
        from history: [Observation], by place: ([Double]) -> [Double]
    ) -> [Observation] {
        guard history.count > limit else { return history }
        var selection = Selection(history.map { place($0.recipe) })
        let lastRun = history.reduce(0) { max($0, $1.run) }
        let last = history.indices.reversed().filter { history[$0].run == lastRun }
        for index in last.prefix(share(Self.lastShare)) { selection.keep(index) }
        let order = history.indices.sorted { (history[$0].loss, $0) < (history[$1].loss, $1) }
        for index in order.prefix(share(Self.bestShare)) { selection.keep(index) }
        while selection.count < limit, let farthest = selection.farthest {
            selection.keep(farthest)
        }
        return history.indices.filter { selection.isKept[$0] }.map { history[$0] }
    }

    private func share(_ part: Double) -> Int { Int((part * Double(limit)).rounded(.down)) }

    /// What is kept so far, and how far everything else is from it.
    private struct Selection {
        private let points: [[Double]]
        private(set) var isKept: [Bool]
        private(set) var count = 0
        /// Squared distance to the nearest point kept.
        private var distances: [Double]

        init(_ points: [[Double]]) {
            self.points = points
            isKept = [Bool](repeating: false, count: points.count)
            distances = [Double](repeating: .infinity, count: points.count)
        }

        /// The point farthest from all that are kept, the first of equals.
        var farthest: Int? {
            var found: Int?
            for index in points.indices where !isKept[index] {
                if let best = found, distances[index] <= distances[best] { continue }
                found = index
            }
            return found
        }

        mutating func keep(_ kept: Int) {
            guard !isKept[kept] else { return }
            isKept[kept] = true
            count += 1
            for index in points.indices where !isKept[index] {
                var square = 0.0
                for (a, b) in zip(points[index], points[kept]) { square += (a - b) * (a - b) }
                distances[index] = min(distances[index], square)
            }
        }
    }
}
