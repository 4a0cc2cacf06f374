/// `argent model`: networks that predict spectra from recipes, made, judged and asked.
enum ModelCommand {
    /// The verbs, in the order one needs them.
    static let verbs = ["train", "import", "evaluate", "quantize", "predict", "explain", "grid"]

    static func run(_ words: [String]) throws(CommandFailure) {
        let (verb, rest) = try Arguments.verb(of: "model", words, help: Help.model)
        switch verb {
        case "train": try ModelTrain.run(rest)
        case "import": try ModelImport.run(rest)
        case "evaluate": try ModelEvaluate.run(rest)
        case "quantize": try ModelQuantize.run(rest)
        case "predict": try ModelPredict.run(rest)
        case "explain": try ModelExplain.run(rest)
        case "grid": try ModelGrid.run(rest)
        default: throw Arguments.unknown(verb, of: "model", among: verbs)
        }
    }
}
