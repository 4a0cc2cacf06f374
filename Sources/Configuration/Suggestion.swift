/// Finds the name somebody probably meant.
public enum Suggestion {
    /// Longest name looked at: the cost grows with the square.
    private static let lengthLimit = 64

    /// The candidate nearest to `name`, when it is near enough to be meant.
    public static func nearest(to name: String, among candidates: [String]) -> String? {
        let wanted = Array(name.lowercased().unicodeScalars)
        guard wanted.count <= lengthLimit else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let other = Array(candidate.lowercased().unicodeScalars)
            guard other.count <= lengthLimit else { continue }
            let distance = editDistance(wanted, other)
            guard distance <= max(1, min(wanted.count, other.count) / 3) else { continue }
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Fewest insertions, deletions, replacements and swaps of neighbours from one to the other
    /// (optimal string alignment).
    static func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var before: [Int] = []
        var above = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var cost = min(
                    above[j + 1] + 1, row[j] + 1, above[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, before[j - 1] + 1)
                }
                row.append(cost)
            }
            before = above
            above = row
        }
        return above[b.count]
    }
}
