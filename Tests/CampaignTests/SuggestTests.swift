import Configuration
import Numerics
import Surrogates
import Testing

@testable import Campaign

/// A history of `recipes` with the losses `loss` gives them.
private func history(
    _ variables: [VariableSettings], _ recipes: [[Double]], _ loss: ([Double]) -> Double
) throws -> HistoryTable {
    var text = variables.map(\.name).joined(separator: ",") + ",loss\n"
    for recipe in recipes {
        text += recipe.map { "\($0)" }.joined(separator: ",") + ",\(loss(recipe))\n"
    }
    return try HistoryTable(try table(text, rowLimit: 1_000), variables: variables)
}

private func settings(_ variables: [VariableSettings]) -> Settings {
    var settings = Settings()
    settings.variables = variables
    return settings
}

/// `count` points of the box of `variables`.
private func points(
    _ count: Int, in variables: [VariableSettings], seed: UInt64 = 3
) -> [[Double]] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in variables.map { random.uniform($0.low, $0.high) } }
}

/// A bowl with its bottom at 3 everywhere.
private func bottomAtThree(_ recipe: [Double]) -> Double {
    recipe.reduce(0) { $0 + ($1 - 3) * ($1 - 3) }
}

@Suite struct BatchAdviserTests {
    @Test(arguments: [(1, 1), (1, 4), (3, 2), (12, 1)])
    func recipesLieInTheBoxWhateverItsDimension(dimension: Int, batch: Int) throws {
        let variables = numbers((0..<dimension).map { "x\($0)" }, -5...7)
        let made = try history(variables, points(6, in: variables)) { 1e6 - bottomAtThree($0) }
        let adviser = BatchAdviser(settings: settings(variables), batch: batch, seed: 1)
        for decision in [try adviser.advise(made), try adviser.design()] {
            #expect(decision.recipes.count == batch)
            for recipe in decision.recipes {
                #expect(recipe.count == dimension && recipe.allSatisfy { (-5...7).contains($0) })
            }
        }
    }

    @Test func theOrderOfRowsDoesNotMatter() throws {
        let variables = numbers(["a", "b"])
        var recipes = points(7, in: variables)
        recipes.append(recipes[2])
        let one = try history(variables, recipes, bottomAtThree)
        let two = try history(variables, recipes.reversed(), bottomAtThree)
        let adviser = BatchAdviser(settings: settings(variables), batch: 2, seed: 9)
        let first = try adviser.advise(one)
        #expect(try adviser.advise(two) == first)
        let other = BatchAdviser(settings: settings(variables), batch: 2, seed: 10)
        #expect(try other.design().recipes != adviser.design().recipes)
    }

    @Test func theScaleAndSignOfLossesDoNotMatter() throws {
        let variables = numbers(["a", "b"])
        let recipes = points(8, in: variables)
        let adviser = BatchAdviser(settings: settings(variables), batch: 1, seed: 2)
        let plain = try adviser.advise(try history(variables, recipes, bottomAtThree))
        for scale in [1e-120, 1e120] {
            let made = try history(variables, recipes) { scale * bottomAtThree($0) }
            let found = try adviser.advise(made)
            for (a, b) in zip(found.recipes[0], plain.recipes[0]) {
                #expect(abs(a - b) < 0.02, "\(scale): \(found.recipes) \(plain.recipes)")
            }
        }
    }

    @Test func whatIsOutOfReachTeachesButIsNotTheOneToBeat() throws {
        // The bottom is at 3, the box ends at 2: the best that may be made is its upper end.
        var variables = numbers(["a"], 0...2)
        let recipes = stride(from: 0.0, through: 6, by: 0.75).map { [$0] }
        let made = try history(variables, recipes, bottomAtThree)
        let adviser = BatchAdviser(settings: settings(variables), batch: 1, seed: 1)
        let decision = try adviser.advise(made)
        #expect(decision.recipes == [[2]])
        let best = try #require(decision.model.first { $0.name == "bestPredicted" })
        // The best of 0, 0.75 and 1.5, not of all.
        #expect(abs(best.value - 2.25) < 0.1)
        variables[0].highLimit = 5
        let wide = BatchAdviser(settings: settings(variables), batch: 1, seed: 1, room: .limits)
        #expect(abs(try wide.advise(made).recipes[0][0] - 3) < 0.5)
    }

    @Test func absurdlyFarRecipesAndForbiddenSumsAreData() throws {
        let silver = silverSettings()
        let made = try history(
            silver.variables,
            [[10, 20, 10, 10, 500], [50, 40, 50, 50, 500], [1e300, -1e300, 10, 10, 700]]
        ) { $0[4] }
        let decision = try BatchAdviser(settings: silver, batch: 1, seed: 1).advise(made)
        try RecipeCheck(variables: silver.variables, recipe: silver.recipe)
            .check(decision.recipes[0])
    }

    @Test func aVariableHeldStillMayHaveMovedBefore() throws {
        var variables = numbers(["a", "b"])
        variables[1].low = 4
        variables[1].high = 4
        variables[1].lowLimit = 4
        variables[1].highLimit = 4
        // Elsewhere along b everything is different; at 4 the bottom is at a = 3.
        var recipes: [[Double]] = []
        for a in 0...4 {
            for b in [4.0, 9] { recipes.append([Double(a) * 2.5, b]) }
        }
        let made = try history(variables, recipes) { $0[1] == 4 ? ($0[0] - 3) * ($0[0] - 3) : -50 }
        let decision = try BatchAdviser(settings: settings(variables), batch: 1, seed: 1)
            .advise(made)
        #expect(decision.recipes[0][1] == 4)
        #expect(abs(decision.recipes[0][0] - 3) < 1)
    }

    @Test func narrowBoundsKeepTheirDigits() throws {
        let variables = numbers(["T"], 293.1...293.2)
        let made = try history(variables, points(4, in: variables)) { $0[0] }
        let adviser = BatchAdviser(settings: settings(variables), batch: 5, seed: 1)
        for decision in [try adviser.design(), try adviser.advise(made)] {
            #expect(decision.recipes.allSatisfy { (293.1...293.2).contains($0[0]) })
            #expect(Set(decision.recipes).count == 5, "\(decision.recipes)")
        }
    }

    @Test func digitsFollowTheBounds() {
        #expect(12.3456.tidied(within: 0...100, .toNearestOrAwayFromZero) == 12.35)
        #expect(293.14159.tidied(within: 293...294, .toNearestOrAwayFromZero) == 293.142)
        #expect(1_000_123.4.tidied(within: 1e6...1_000_500, .toNearestOrAwayFromZero) == 1_000_123)
        #expect(5.0.tidied(within: 5...5, .toNearestOrAwayFromZero) == 5)
        #expect((-0.123456).tidied(within: -1...1, .toNearestOrAwayFromZero) == -0.1235)
    }
}

@Suite struct PoolTests {
    private func pool(_ text: String, _ settings: Settings, _ history: HistoryTable?) throws
        -> RecipePool
    {
        try RecipePool(try table(text, rowLimit: 1_000), settings: settings, history: history)
    }

    @Test func knownRepeatedAndImpossibleRowsAreLeftOut() throws {
        let settings = settings(numbers(["a", "b"]))
        let made = try history(settings.variables, [[1, 2], [3, 4]], bottomAtThree)
        let text = "id,b,a\np,2,1.0\nq,6,5\nr,6.0,5\ns,11,5\nt,7,8\n"
        let found = try pool(text, settings, made)
        #expect(found.candidates.map(\.row) == [1, 4])
        #expect(found.candidates.map(\.recipe) == [[5, 6], [8, 7]])
        #expect(found.known == 1 && found.repeated == 1 && found.impossible == [3])
    }

    @Test func everyRowIsChosenOnceUntilNoneIsLeft() throws {
        let settings = settings(numbers(["a", "b"]))
        let made = try history(settings.variables, [[1, 2], [3, 4]], bottomAtThree)
        let text =
            "a,b\n" + points(6, in: settings.variables).map { "\($0[0]),\($0[1])\n" }.joined()
        let candidates = try pool(text, settings, made)
        for history in [made, nil] {
            let choice = try BatchAdviser(settings: settings, batch: 10, seed: 1)
                .choose(from: candidates, history)
            #expect(Set(choice.items.map(\.row)) == Set(0..<6) && choice.items.count == 6)
        }
    }

    /// The sequential choice updates variances row by row; here every believed outcome joins the
    /// data and a Gaussian process is made anew.
    @Test func believingIsAddingWhatIsBelieved() throws {
        let settings = settings(numbers(["a", "b", "c"]))
        let made = try history(
            settings.variables, points(9, in: settings.variables), bottomAtThree)
        let text =
            "a,b,c\n"
            + points(30, in: settings.variables, seed: 8).map {
                $0.map { "\($0)" }.joined(separator: ",") + "\n"
            }.joined()
        let candidates = try pool(text, settings, made)
        var campaign = settings.campaign
        campaign.batch = 6
        campaign.seed = 4
        let check = RecipeCheck(variables: settings.variables, recipe: settings.recipe)
        let space = try #require(
            RecipeSpace(check, bounds: RecipeBounds(of: settings.variables)))
        let choice = try PoolSearch(space: space, check: check, settings: campaign)
            .choose(from: candidates, made.sorted)
        try #require(choice.items.count == 6)

        let losses = Standardization(of: made.sorted.map(\.loss))
        var inputs = made.sorted.map { space.unit($0.recipe) }
        var targets = made.sorted.map { losses.standardized($0.loss) }
        var random = SeededGenerator(seed: 4).split("hyperparameters", 2)
        let fitted = try MaternFit().fit(inputs: inputs, targets: targets, using: &random)
        var best = try #require(inputs.map { fitted.mean($0) }.min())
        var left = candidates.candidates
        for item in choice.items {
            let model = try GaussianProcess(
                inputs: inputs, targets: targets, parameters: fitted.parameters)
            let improvement = ExpectedImprovement(best: best, margin: campaign.explorationJitter)
            let values = left.map { improvement.value(model.predict(space.unit($0.recipe))) }
            let largest = try #require(values.max())
            let place = try #require(values.firstIndex(of: largest))
            #expect(left[place].row == item.row)
            let expected = try #require(item.expectedImprovement)
            #expect(abs(largest * losses.scale - expected) < 1e-6 * losses.scale)
            let unit = space.unit(left.remove(at: place).recipe)
            let mean = model.mean(unit)
            let predicted = try #require(item.predictedLoss)
            #expect(abs(losses.restored(mean) - predicted) < 1e-6 * losses.scale)
            inputs.append(unit)
            targets.append(mean)
            best = min(best, mean)
        }
    }

    @Test func withoutAHistoryTheRowsAreSpreadOut() throws {
        let settings = settings(numbers(["a"]))
        let text = "a\n" + (0...100).map { "\(Double($0) / 10)\n" }.joined()
        let choice = try BatchAdviser(settings: settings, batch: 5, seed: 2)
            .choose(from: try pool(text, settings, nil), nil)
        // A Latin hypercube of five has one point in each fifth, and a row is at most 0.05 away.
        let fifths = choice.items.map { Int(min(4, ($0.recipe[0] / 2).rounded(.down))) }
        let places = choice.items.map { $0.recipe[0] }.sorted()
        #expect(Set(fifths).count >= 4, "\(places)")
        #expect(choice.items.allSatisfy { $0.predictedLoss == nil })
    }
}
