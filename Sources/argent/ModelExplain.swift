import Agent
import Campaign
import Configuration
import Spectra

/// `argent model explain`: what a predicted loss comes from.
struct ModelExplain {
    static let use = "explain --network N.safetensors --recipes R.csv [--map X,Y | --along X]"
    /// Background recipes where nothing else is said: as many rows, evenly taken.
    private static let usualBackground = 50
    /// Values per variable where nothing else is said.
    private static let usualPoints = 20
    private static let rowLimit = 100_000

    private let arguments: Arguments
    private let model: ModelFile
    private let explanation: Explanation
    private let variables: [VariableSettings]
    private let recipes: [[Double]]
    private let points: Int

    static func run(_ words: [String]) throws(CommandFailure) {
        let explain = try ModelExplain(words)
        if let names = explain.arguments.values["map"] {
            try explain.map(names)
        } else if let name = explain.arguments.values["along"] {
            try explain.along(name)
        } else {
            try explain.shapley()
        }
    }

    private init(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "model explain",
            options: ModelFile.options + ["recipes", "background", "map", "along", "points"],
            flags: ["limits", "quiet"])
        self.arguments = arguments
        guard let path = arguments.values["recipes"] else {
            throw CommandFailure(.usage, "use: argent model \(Self.use)")
        }
        let what = ["map", "along", "background"].filter { arguments.values[$0] != nil }
        if what.count > 1 {
            throw CommandFailure(.usage, "--\(what[0]) does not go with --\(what[1])")
        }
        points = try arguments.integer("points", minimum: 2) ?? Self.usualPoints
        let model = try ModelFile(arguments, use: Self.use)
        self.model = model
        let network = try model.neededFloat()
        let loss = try model.neededLoss()
        explanation = try Self.explaining { () throws(ExplanationError) in
            try Explanation(network: network, loss: loss)
        }
        let table = try TableFile.read(path, rowLimit: Self.rowLimit)
        let variables = try model.variables(or: table)
        self.variables = variables
        recipes = try TableFile.naming { () throws(TableError) in try table.recipes(variables) }
        guard !recipes.isEmpty else { throw CommandFailure(.badInput, "\(path): no recipes") }
    }

    private static func explaining<Value>(
        _ body: () throws(ExplanationError) -> Value
    ) throws(CommandFailure) -> Value {
        do throws(ExplanationError) { return try body() } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
    }

    private func say(_ text: String) {
        if !arguments.flags.contains("quiet") { Output.error(plain(text)) }
    }

    private static func row(_ numbers: [Double]) -> String {
        numbers.map(TableFile.single).joined(separator: ",") + "\n"
    }

    // MARK: Shapley values

    private func shapley() throws(CommandFailure) {
        let background = try background()
        let values = try Self.explaining { () throws(ExplanationError) in
            try explanation.shapley(recipes: recipes, background: background)
        }
        let names = variables.map { TableFile.field($0.name) }
        Output.raw("row,loss," + names.joined(separator: ",") + "\n")
        for (index, list) in values.values.enumerated() {
            Output.raw("\(index + 1)," + Self.row([values.predicted[index]] + list))
        }
        say("mean loss of the background of \(background.count) recipes: \(short(values.base))")
        say("mean size of what each variable adds to the loss:")
        let sizes = zip(variables.map(\.name), values.meanSizes).sorted { $0.1 > $1.1 }
        for (name, size) in sizes { say("  \(name): \(short(size))") }
    }

    /// The recipes of --background, or some of those explained.
    private func background() throws(CommandFailure) -> [[Double]] {
        guard let path = arguments.values["background"] else {
            let count = min(Self.usualBackground, recipes.count)
            return (0..<count).map { recipes[$0 * recipes.count / count] }
        }
        let table = try TableFile.read(path, rowLimit: Self.rowLimit)
        return try TableFile.naming { () throws(TableError) in try table.recipes(variables) }
    }

    // MARK: Maps and sweeps

    private func map(_ text: String) throws(CommandFailure) {
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard names.count == 2 else {
            throw CommandFailure(.usage, "--map \(text): two variables, separated by a comma")
        }
        let rows = try sweep(names[0])
        let columns = try sweep(names[1])
        let map = try Self.explaining { () throws(ExplanationError) in
            try explanation.lossMap(rows: rows, columns: columns, others: recipes)
        }
        var table = names.map(TableFile.field).joined(separator: ",") + ",loss\n"
        for (first, losses) in zip(rows.values, map.losses) {
            for (second, loss) in zip(columns.values, losses) {
                table += Self.row([first, second, loss])
            }
        }
        Output.raw(table)
        say(
            recipes.count == 1
                ? "the others are as in the recipe"
                : "the others are as in each of \(recipes.count) recipes: losses are their means")
    }

    private func along(_ name: String) throws(CommandFailure) {
        let sweep = try sweep(name)
        var best = (row: 0, loss: Double.infinity)
        for (row, recipe) in recipes.enumerated() where recipes.count > 1 {
            if let loss = model.loss(of: try model.predict(recipe)), loss < best.loss {
                best = (row, loss)
            }
        }
        let recipe = recipes[best.row]
        let found = try Self.explaining { () throws(ExplanationError) in
            try explanation.spectra(along: sweep, from: recipe)
        }
        let columns = found.wavelengths.map { "A\(TableFile.exact($0))" }
        Output.raw(TableFile.field(name) + ",loss," + columns.joined(separator: ",") + "\n")
        for (index, value) in sweep.values.enumerated() {
            let loss = found.losses[index].map(TableFile.single) ?? ""
            Output.raw("\(TableFile.single(value)),\(loss)," + Self.row(found.absorbances[index]))
        }
        if recipes.count > 1 {
            say("the others are as in recipe \(best.row + 1), which has the least predicted loss")
        }
    }

    /// The values of the variable called `name`: between the bounds of the configuration, or the
    /// ends of the recipes.
    private func sweep(_ name: String) throws(CommandFailure) -> Sweep {
        guard let index = variables.firstIndex(where: { $0.name == name }) else {
            let names = variables.map(\.name)
            let near = Suggestion.nearest(to: name, among: names)
            throw CommandFailure(
                .usage,
                "there is no variable \(name)"
                    + (near.map { "; did you mean \($0)?" }
                        ?? "; there are \(names.joined(separator: ", "))"))
        }
        let variable = variables[index]
        let values = recipes.map { $0[index] }
        var low = values.min() ?? 0
        var high = values.max() ?? 0
        if arguments.values["config"] != nil, variable.high > variable.low {
            let widest = arguments.flags.contains("limits")
            low = widest ? min(variable.low, variable.lowLimit) : variable.low
            high = widest ? max(variable.high, variable.highLimit) : variable.high
        }
        guard high > low else {
            throw CommandFailure(
                .usage, "\(name) is always \(short(low)): give its bounds with --config")
        }
        let step = (high - low) / Double(points - 1)
        return Sweep(variable: index, values: (0..<points).map { low + Double($0) * step })
    }
}
