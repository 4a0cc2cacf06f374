import Configuration

/// `argent model`: networks that predict spectra from recipes, made, judged and asked.
enum ModelCommand {
    /// The verbs, in the order one needs them.
    static let verbs = ["train", "import", "evaluate", "quantize", "predict", "explain", "grid"]

    static func run(_ words: [String]) throws(CommandFailure) {
        guard let verb = words.first else {
            Output.line(Help.model)
            throw CommandFailure(.usage, "model: which of these? (argent model VERB …)")
        }
        let rest = Array(words.dropFirst())
        switch verb {
        case "train": try ModelTrain.run(rest)
        case "import": try ModelImport.run(rest)
        case "evaluate": try ModelEvaluate.run(rest)
        case "quantize": try ModelQuantize.run(rest)
        case "predict": try ModelPredict.run(rest)
        case "explain": try ModelExplain.run(rest)
        case "grid": try ModelGrid.run(rest)
        default:
            let near = Suggestion.nearest(to: verb, among: verbs)
            let hint = near.map { "; did you mean `argent model \($0)`?" }
            throw CommandFailure(
                .usage,
                "there is no `argent model \(verb)`\(hint ?? "; see `argent model --help`")")
        }
    }
}
