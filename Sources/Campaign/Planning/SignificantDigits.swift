extension Double {
    /// Digits of a number that a person reads and a pump is sent.
    static let recipeDigits = 4

    /// The number rounded to four significant digits.
    var tidied: Double { tidied(.toNearestOrAwayFromZero) }

    /// The number rounded to four significant digits, by `rule`. Always the double nearest to
    /// the decimal number, so that it prints short.
    func tidied(_ rule: FloatingPointRoundingRule) -> Double {
        guard isFinite, self != 0 else { return self }
        // Multiplying and dividing by whole powers of ten keeps the last step exact.
        var scaled = magnitude
        var up = 1.0
        var down = 1.0
        while scaled * up < 1_000, up < 1e18 { up *= 10 }
        while scaled / down >= 10_000, down < 1e18 { down *= 10 }
        scaled = (self * up / down).rounded(rule)
        return scaled / up * down
    }

    /// The number rounded to four significant digits but kept within `bounds`: where rounding
    /// would leave them, the other way is taken, and failing that the bound itself.
    func tidied(within bounds: ClosedRange<Double>, _ rule: FloatingPointRoundingRule) -> Double {
        let rounded = tidied(rule)
        if bounds.contains(rounded) { return rounded }
        let other = tidied(rounded > self ? .down : .up)
        if bounds.contains(other) { return other }
        return Swift.min(Swift.max(self, bounds.lowerBound), bounds.upperBound)
    }
}
