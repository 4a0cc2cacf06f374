import Glibc

/// Quantiles of Student's t distribution with a whole number of degrees of freedom.
enum StudentT {
    /// With more degrees of freedom the quantile of this many serves: it is larger, by less than
    /// 1 % above a share of 1e-4.
    static let largestFreedom = 400
    /// Halvings of the angle's interval: down to the last bit of a double.
    private static let halvings = 60

    /// The t that |T| exceeds with probability `share`; infinite without degrees of freedom or
    /// for a share that is not above 0.
    static func twoSided(_ share: Double, freedom: Int) -> Double {
        guard freedom >= 1, share > 0 else { return .infinity }
        guard share < 1 else { return 0 }
        let freedom = min(freedom, largestFreedom)
        var low = 0.0
        var high = Double.pi / 2
        for _ in 0..<halvings {
            let angle = (low + high) / 2
            if within(angle, freedom: freedom) < 1 - share { low = angle } else { high = angle }
        }
        return tan((low + high) / 2) * Double(freedom).squareRoot()
    }

    /// P(|T| < √ν tan angle), as a finite sum (Abramowitz and Stegun 26.7.3 and 26.7.4).
    static func within(_ angle: Double, freedom: Int) -> Double {
        let sine = sin(angle)
        let cosine = cos(angle)
        let isOdd = freedom % 2 == 1
        if freedom == 1 { return 2 / Double.pi * angle }
        var term = isOdd ? cosine : 1
        var sum = term
        // Terms cos^k with k up to ν − 2, each from the one before.
        var power = isOdd ? 1 : 0
        while power + 2 <= freedom - 2 {
            term *= cosine * cosine * Double(power + 1) / Double(power + 2)
            sum += term
            power += 2
        }
        return isOdd ? 2 / Double.pi * (angle + sine * sum) : sine * sum
    }
}

/// Which of the sorted values enclose the median.
enum OrderStatistics {
    /// The largest rank r, from 1, such that fewer than r of `trials` values lie below the true
    /// median with probability at most `tail`; 0 where even r = 1 is too likely.
    static func lowerRank(trials: Int, tail: Double) -> Int {
        guard trials > 0, tail > 0 else { return 0 }
        // log P(B = i) of a binomial with even odds; in logarithms, because 2⁻ⁿ underflows.
        var logProbability = -Double(trials) * log(2)
        var sum = 0.0
        for below in 0..<trials {
            sum += exp(logProbability)
            if sum > tail { return below }
            logProbability += log(Double(trials - below) / Double(below + 1))
        }
        return trials / 2
    }
}
