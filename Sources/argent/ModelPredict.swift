import Agent
import Campaign
import Configuration

/// `argent model predict`: what a network expects of recipes.
enum ModelPredict {
    static let use = "predict --network N.safetensors --recipes R.csv [--spectra]"
    /// Recipes at most.
    static let rowLimit = 1_000_000

    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "model predict", options: ModelFile.options + ["recipes"],
            flags: ["spectra"])
        let model = try ModelFile(arguments, use: use)
        guard let path = arguments.values["recipes"] else {
            throw CommandFailure(.usage, "use: argent model \(use)")
        }
        let table = try TableFile.read(path, rowLimit: rowLimit)
        let variables = try model.variables(or: table)
        let recipes = try TableFile.naming { () throws(TableError) in
            try table.recipes(variables)
        }
        // A network whose outputs are no spectrum has them printed as they are.
        let showsOutputs = arguments.flags.contains("spectra") || model.loss == nil
        Output.raw(header(variables, model, showsOutputs: showsOutputs))
        var text = ""
        var withoutLoss = 0
        for recipe in recipes {
            let outputs = try model.predict(recipe)
            var fields = recipe.map(TableFile.exact)
            if model.loss != nil {
                let loss = model.loss(of: outputs)
                if loss == nil { withoutLoss += 1 }
                fields.append(loss.map(TableFile.single) ?? "")
            }
            if showsOutputs { fields += outputs.map(TableFile.single) }
            text += fields.joined(separator: ",") + "\n"
            // Not all of a large table at once.
            if text.utf8.count > 1 << 16 {
                Output.raw(text)
                text = ""
            }
        }
        Output.raw(text)
        if withoutLoss > 0 {
            Output.error("\(withoutLoss) predicted spectra are flat: their loss is left empty")
        }
    }

    private static func header(
        _ variables: [VariableSettings], _ model: ModelFile, showsOutputs: Bool
    ) -> String {
        var names = variables.map { TableFile.field($0.name) }
        if model.loss != nil { names.append(HistoryTable.lossColumn) }
        if showsOutputs {
            names +=
                model.wavelengths?.map { "A\(TableFile.exact($0))" }
                ?? (1...model.engine.counts.outputs).map { "y\($0)" }
        }
        return names.joined(separator: ",") + "\n"
    }
}
