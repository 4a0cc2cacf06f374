/// Swift 6.0's own search for text comes with a library that the board does without.
extension StringProtocol {
    /// Where `part` begins first; nil where it is not in it.
    func start(of part: String) -> Index? {
        indices.first { self[$0...].hasPrefix(part) }
    }

    /// Whether `part` is somewhere in it.
    func holds(_ part: String) -> Bool { start(of: part) != nil }
}
