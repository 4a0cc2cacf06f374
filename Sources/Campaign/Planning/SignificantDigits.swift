extension Double {
    /// The number rounded to four significant digits, as a person reads it and a pump is sent it.
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
    /// would leave them, the other way is taken, and failing that the bound itself. Where the
    /// bounds are so close that four digits are less than about 200 steps between them (a
    /// temperature from 293.1 to 293.2), as many digits as make 200 to 2000 steps are kept.
    func tidied(within bounds: ClosedRange<Double>, _ rule: FloatingPointRoundingRule) -> Double {
        let (up, down) = Self.scale(between: bounds)
        func round(_ rule: FloatingPointRoundingRule) -> Double {
            // Four digits of a number this size are finer than the steps, or as fine.
            guard magnitude * up > 1_000 * down else { return tidied(rule) }
            let scaled = (self * up / down).rounded(rule)
            return scaled.magnitude < 0x1p53 ? scaled / up * down : self
        }
        let rounded = round(rule)
        if bounds.contains(rounded) { return rounded }
        let other = round(rounded > self ? .down : .up)
        if bounds.contains(other) { return other }
        return Swift.min(Swift.max(self, bounds.lowerBound), bounds.upperBound)
    }

    /// The least power of ten, `up / down`, that cuts `bounds` into at least 200 steps; 0 where
    /// there is nothing to cut.
    private static func scale(between bounds: ClosedRange<Double>) -> (up: Double, down: Double) {
        let range = bounds.upperBound - bounds.lowerBound
        guard range > 0 else { return (0, 1) }
        var up = 1.0
        var down = 1.0
        while range * up < 200, up < 1e18 { up *= 10 }
        while range / (down * 10) >= 200, down < 1e18 { down *= 10 }
        return (up, down)
    }
}
