import Agent
import Campaign
import Configuration
import Glibc
import Surrogates
import World

/// `argent model train`: a network from measured spectra.
enum ModelTrain {
    static let use = "train --history H.csv --out N.safetensors [--config C.toml]"

    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "model train",
            options: ModelFile.meaning + [
                "history", "out", "epochs", "seed", "hidden", "held-out", "warm-start", "resume",
            ], flags: ["quiet"])
        guard let path = arguments.values["history"], let out = arguments.values["out"] else {
            throw CommandFailure(.usage, "use: argent model \(use)")
        }
        var settings = try settings(arguments)
        let meaning = try ModelMeaning(arguments)
        let warmStart = try arguments.values["warm-start"].map { path throws(CommandFailure) in
            try ModelFile(path: path, meaning: meaning)
        }
        if arguments.values["hidden"] == nil, let warmStart {
            settings.hidden = try warmStart.neededFloat().layers.dropLast().map(\.outputs)
        }
        let isQuiet = arguments.flags.contains("quiet")
        let data = try TrainingData(
            path, variables: meaning.variables ?? warmStart?.variables,
            isQuiet: isQuiet)
        let start = RealTime.seconds
        let state = try State(arguments.values["resume"])
        let watch = TrainingWatch(epochs: settings.epochs, isQuiet: isQuiet)
        let trained: TrainedNetwork
        do throws(TrainingError) {
            let trainer: NetworkTrainer
            if let saved = state.saved {
                trainer = try NetworkTrainer(data.set, settings: settings, resuming: saved)
            } else {
                trainer = try NetworkTrainer(
                    data.set, settings: settings,
                    warmStart: warmStart.map(\.engine).flatMap(float))
            }
            trained = try state.train(trainer, watch)
        } catch {
            watch.finish()
            throw CommandFailure(.badInput, "\(path): \(error)")
        }
        watch.finish()
        if let failure = state.failure { throw failure }
        guard trained.end != .interrupted else {
            let rest = state.path == nil ? "" : "; the same command goes on"
            throw CommandFailure(.failure, "stopped by a signal: \(out) is not written\(rest)")
        }
        let file = trained.network.safetensors(
            metadata: ModelFile.metadata(
                variables: data.variables, wavelengths: data.wavelengths))
        try ModelFile.write(file, to: out)
        state.remove()
        guard !isQuiet else { return }
        Output.raw(report(trained, data, seconds: RealTime.seconds - start) + "written to \(out)\n")
    }

    private static func float(_ engine: ModelFile.Engine) -> DenseNetwork? {
        if case .float(let network) = engine { return network }
        return nil
    }

    private static func settings(_ arguments: Arguments) throws(CommandFailure) -> TrainingSettings
    {
        var settings = TrainingSettings()
        if let epochs = try arguments.integer("epochs") { settings.epochs = epochs }
        if let seed = try arguments.seed("seed") { settings.seed = seed }
        if let share = try arguments.number("held-out", in: 0...90) {
            settings.heldOutShare = share / 100
        }
        if let text = arguments.values["hidden"] {
            let sizes = text.split(separator: ",", omittingEmptySubsequences: false).map {
                Int($0) ?? 0
            }
            guard sizes.allSatisfy({ (1...TrainingSet.maximumWidth).contains($0) }),
                sizes.count <= TrainingSettings.maximumHiddenLayers
            else {
                throw CommandFailure(
                    .usage, "--hidden \(text): sizes of layers, like 50,100,200,500")
            }
            settings.hidden = sizes
        }
        return settings
    }

    private static func report(
        _ trained: TrainedNetwork, _ data: TrainingData, seconds: Double
    ) -> String {
        let sizes = [trained.network.inputCount] + trained.network.layers.map(\.outputs)
        var text = "a network " + sizes.map(String.init).joined(separator: "-")
        text += " from \(data.set.count) conditions (\(data.rows) rows) in \(short(seconds)) s"
        if trained.end == .stoppedEarly { text += ", stopped early" }
        text += "\n"
        if let last = trained.history.last {
            text += "  error of what was learned: \(short(last.trainError))"
        }
        if let error = trained.heldOutError { text += "; of what was held out: \(short(error))" }
        return text + "\n"
    }
}

extension ModelTrain {
    /// A training on the disk, so that it can go on after a break.
    private final class State {
        /// Where it is kept; nil: nowhere.
        let path: String?
        /// What was there.
        let saved: Safetensors?
        /// Why it could not be kept.
        private(set) var failure: CommandFailure?
        /// A power cut costs this much at most.
        private static let interval = 10.0

        init(_ path: String?) throws(CommandFailure) {
            self.path = path
            guard let path, Files.exists(path) else {
                saved = nil
                return
            }
            saved = try ModelFile.tensors(path)
        }

        /// Trains to the end or to a signal, keeping the state now and then.
        func train(
            _ trainer: NetworkTrainer, _ watch: TrainingWatch
        ) throws(TrainingError) -> TrainedNetwork {
            while true {
                var keepAt = RealTime.seconds + Self.interval
                if path == nil { keepAt = .infinity }
                let trained = try trainer.train { progress in
                    watch.show(progress) && RealTime.seconds < keepAt
                }
                guard trained.end == .interrupted else { return trained }
                keep(trainer)
                guard !watch.isStopped, failure == nil else { return trained }
            }
        }

        private func keep(_ trainer: NetworkTrainer) {
            guard let path else { return }
            do throws(CommandFailure) { try ModelFile.write(trainer.state(), to: path) } catch {
                failure = error
            }
        }

        /// The training is done: the next one begins anew.
        func remove() {
            if let path { try? Files.remove(path) }
        }
    }
}

/// Spectra to learn from.
struct TrainingData {
    let set: TrainingSet
    let variables: [VariableSettings]
    let wavelengths: [Double]
    /// Rows of the table.
    let rows: Int

    /// Reads the table at `path`; without `variables` all columns that are neither spectra nor
    /// losses are the recipe.
    init(
        _ path: String, variables known: [VariableSettings]?, isQuiet: Bool
    ) throws(CommandFailure) {
        let table = try TableFile.read(path, rowLimit: HistoryTable.rowLimit)
        let absorbance = try TableFile.naming { () throws(TableError) in
            try table.absorbanceColumns(besides: known ?? [])
        }
        guard absorbance.columns.count >= 2 else {
            throw CommandFailure(
                .badInput, "\(path):1:1: no spectra to learn; add columns A380, A381, …")
        }
        let variables =
            known
            ?? table.names.enumerated().filter { column, name in
                !absorbance.columns.contains(column) && name != HistoryTable.lossColumn
            }.map { ModelMeaning.variable($1) }
        if known == nil, !isQuiet {
            Output.error(
                plain(
                    "the recipe is taken to be \(variables.map(\.name).joined(separator: ", "))"
                        + " (say others with --variables or --config)"))
        }
        let recipes = try TableFile.naming { () throws(TableError) in
            try table.recipes(variables)
        }
        let spectra = try TableFile.naming { () throws(TableError) in
            try table.numbers(absorbance.columns)
        }
        var numbers: [[Double]: Int] = [:]
        let conditions = recipes.map { recipe in
            if let number = numbers[recipe] { return number }
            numbers[recipe] = numbers.count
            return numbers.count - 1
        }
        do throws(TrainingError) {
            set = try TrainingSet(
                inputs: recipes.flatMap { $0.map { Float($0) } },
                outputs: spectra.flatMap { $0.map { Float($0) } }, inputCount: variables.count,
                outputCount: absorbance.wavelengths.count, condition: conditions)
        } catch { throw CommandFailure(.badInput, "\(path): \(error)") }
        self.variables = variables
        wavelengths = absorbance.wavelengths
        rows = table.rowCount
    }
}

/// Shows a training while it runs: one live line on a terminal, nothing in a log.
final class TrainingWatch {
    private let epochs: Int
    private let isLive: Bool

    init(epochs: Int, isQuiet: Bool) {
        self.epochs = epochs
        isLive = !isQuiet && isatty(STDERR_FILENO) == 1
        // Ctrl-C ends the training between two epochs, not the program in the middle of one. A
        // machine that cannot have it so still trains.
        try? StopSignal.install(waking: [])
    }

    /// Whether to go on.
    func show(_ progress: TrainingProgress) -> Bool {
        if isLive {
            var text = "\r\u{1B}[Kepoch \(progress.epoch)/\(epochs)"
            text += "  error \(short(progress.trainError))"
            if let error = progress.heldOutError { text += "  held out \(short(error))" }
            Output.errorRaw(text)
        }
        return !isStopped
    }

    /// Whether a signal asked to stop.
    var isStopped: Bool { StopSignal.received != nil }

    /// Ends the live line.
    func finish() {
        if isLive { Output.errorRaw("\r\u{1B}[K") }
    }
}
