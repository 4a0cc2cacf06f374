extension StringProtocol {
    /// Whether `part` is somewhere in it, byte for byte. Swift 6.0's own search for text comes
    /// with a library that the board does without.
    func holds(_ part: String) -> Bool {
        let (all, wanted) = (Array(utf8), Array(part.utf8))
        guard wanted.count <= all.count else { return false }
        return (0...(all.count - wanted.count)).contains { start in
            all[start..<(start + wanted.count)].elementsEqual(wanted)
        }
    }
}
