import Configuration
import Numerics
import Testing

@testable import Campaign

@Suite struct RecipeTests {
    let check = RecipeCheck(variables: wideSettings().variables, recipe: RecipeSettings())

    @Test func whatCannotBeMadeIsNamed() throws {
        try check.check([20, 30, 20, 20, 500])
        #expect(throws: RecipeError.count(found: 2, expected: 5)) { try check.check([1, 2]) }
        #expect(throws: RecipeError.notFinite(variable: "Q_TSC")) {
            try check.check([20, 30, .nan, 20, 500])
        }
        #expect(
            throws: RecipeError.outsideLimits(
                variable: "Q_tot", value: 1_001, low: 100, high: 1_000)
        ) { try check.check([20, 30, 20, 20, 1_001]) }
        #expect(throws: RecipeError.tooMuchReagent(sum: 90.5, maximum: 90)) {
            try check.check([20, 30, 20, 20.5, 500])
        }
        // Rounding is no offence: in binary these add up to 90.00000000000001.
        #expect(32.2 + 30.1 + 15.3 + 12.4 > 90)
        try check.check([32.2, 30.1, 15.3, 12.4, 500])
    }

    @Test(arguments: [
        (13.101_321_59, 13.1), (5.603_524, 5.604), (0.000_123_456, 0.000_123_5),
        (227.049, 227.0), (99_996, 100_000), (-4.445_5, -4.446), (0, 0), (33, 33),
    ])
    func fourSignificantDigits(value: Double, expected: Double) {
        #expect(value.tidied == expected)
    }

    @Test func roundingStaysWithinBounds() {
        #expect(3.333_333.tidied(within: 3.333_33...9, .toNearestOrAwayFromZero) == 3.334)
        #expect(3.333_33.tidied(within: 3.333_32...3.333_34, .down) == 3.333_33)
    }

    @Test func roundingKeepsTheCap() throws {
        var generator = SeededGenerator(seed: 2)
        let space = try #require(
            RecipeSpace(check, bounds: RecipeBounds(of: check.variables)))
        for _ in 0..<500 {
            // On the cap itself: far outside, projected back.
            var unit = (0..<5).map { _ in generator.uniform(0.4, 2) }
            space.region.project(&unit)
            let recipe = space.recipe(unit)
            try check.check(recipe)
            #expect(recipe.allSatisfy { $0 == $0.tidied })
            #expect(check.reagentPercent(recipe) > 89.9)
        }
    }

    @Test func unitAndRecipeAreInverse() throws {
        let bounds = RecipeBounds(of: silverSettings().variables)
        let space = try #require(RecipeSpace(check, bounds: bounds))
        #expect(space.recipe([0, 1, 0.5, 0.25, 1]) == [4, 40, 12, 8, 1_000])
        #expect(space.unit([4, 40, 12, 8, 1_000]) == [0, 1, 0.5, 0.25, 1])
    }
}

@Suite struct LatinHypercubeTests {
    @Test(arguments: [1, 2, 9] as [UInt64])
    func everyStratumIsUsedOnce(seed: UInt64) throws {
        // In the early bounds the cap can bind (20 + 40 + 20 + 20 > 90), but need not.
        let settings = silverSettings()
        let check = RecipeCheck(variables: settings.variables, recipe: settings.recipe)
        let space = try #require(
            RecipeSpace(check, bounds: RecipeBounds(of: settings.variables)))
        var generator = SeededGenerator(seed: seed)
        let points = LatinHypercube().points(15, in: space.region, using: &generator)
        #expect(points.allSatisfy { space.region.contains($0, tolerance: 1e-12) })
        for index in 0..<5 {
            #expect(points.map { Int($0[index] * 15) }.sorted() == Array(0..<15))
        }
    }

    @Test func aTightCapLeavesEveryVariableSpreadAsFarAsItCan() throws {
        let settings = wideSettings()
        let check = RecipeCheck(variables: settings.variables, recipe: settings.recipe)
        let space = try #require(
            RecipeSpace(check, bounds: RecipeBounds(of: settings.variables)))
        var generator = SeededGenerator(seed: 3)
        var hypercube = LatinHypercube()
        hypercube.designs = 10
        let points = hypercube.points(15, in: space.region, using: &generator)
        #expect(points.allSatisfy { space.region.contains($0, tolerance: 1e-12) })
        // Independent reference: quantiles of points drawn by rejection from the box.
        var cloud: [[Double]] = []
        while cloud.count < 1_500 {
            let point = (0..<5).map { _ in generator.uniform() }
            if space.region.contains(point) { cloud.append(point) }
        }
        for index in 0..<5 {
            let sorted = cloud.map { $0[index] }.sorted()
            let thirds = [sorted[500], sorted[1_000]]
            let counts = [
                points.count { $0[index] < thirds[0] },
                points.count { $0[index] >= thirds[0] && $0[index] < thirds[1] },
                points.count { $0[index] >= thirds[1] },
            ]
            // Five each, give or take the sampled quantiles and what projection moved.
            #expect(counts.allSatisfy { (3...7).contains($0) }, "\(index): \(counts)")
        }
    }

    @Test func oneRandomDesignIsNotAsSpread() throws {
        let region = try #require(CappedBox(lower: [0, 0], upper: [1, 1]))
        var wins = 0
        for seed in 0..<20 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var single = LatinHypercube()
            single.designs = 1
            let chosen = LatinHypercube().points(8, in: region, using: &generator)
            let drawn = single.points(8, in: region, using: &generator)
            if LatinHypercube.closestPair(chosen) > LatinHypercube.closestPair(drawn) { wins += 1 }
        }
        #expect(wins >= 18)
    }
}

@Suite struct RecipeBoundsTests {
    let variables = silverSettings().variables

    @Test func aBoundThatAThirdSitOnMovesHalfWay() {
        var bounds = RecipeBounds(of: variables)
        // 5 of 15 at the upper silver bound (within 1 % of 16), 4 at the lower seed bound.
        let recipes = (0..<15).map { index in
            [index < 5 ? 19.9 : 10, 20, 10, index < 4 ? 4 : 10, 500]
        }
        let moves = bounds.widen(where: recipes, share: 0.3, step: 0.5, limits: variables)
        // 20 + (80 − 20) / 2; four of fifteen are less than 0.3.
        #expect(moves == [RecipeBounds.Move(variable: 0, isHigh: true, from: 20, to: 50)])
        #expect(bounds.highs == [50, 40, 20, 20, 1_000])
        #expect(bounds.lows == [4, 10, 4, 4, 200])
    }

    @Test func boundsReachTheirLimitsAndStopThere() {
        var bounds = RecipeBounds(of: variables)
        var steps = 0
        while true {
            let recipes = [bounds.lows, bounds.highs]
            let moves = bounds.widen(where: recipes, share: 0.5, step: 0.5, limits: variables)
            if moves.isEmpty { break }
            steps += 1
            guard steps < 50 else { break }
        }
        #expect(bounds.lows == variables.map(\.lowLimit))
        #expect(bounds.highs == variables.map(\.highLimit))
        #expect(steps < 12)
    }
}
