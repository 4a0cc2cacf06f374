import Agent
import Campaign
import Configuration
import Spectra
import Surrogates
import World

/// A network on the disk, and what its numbers mean: which variable each input is, which
/// wavelength each output, and what is wanted.
///
/// Files that Argent writes say so themselves, in their metadata; of others the configuration
/// tells it, or the order of a table's columns.
struct ModelFile {
    let path: String
    let engine: Engine
    /// The file's metadata, to be handed on.
    let metadata: [String: String]
    /// What the inputs are, in order; nil where neither configuration nor file say.
    let variables: [VariableSettings]?
    /// Where the outputs are, nm; nil where they are no spectrum on a known grid.
    let wavelengths: [Double]?
    let settings: Settings
    /// The distance from the wanted spectrum; nil without wavelengths.
    let loss: Loss?

    /// What calculates.
    enum Engine {
        case float(DenseNetwork)
        case quantized(QuantizedPredictor)
    }

    /// Options that say what a network means, of every verb that reads one.
    static let options = ["network"] + meaning
    /// Those that say it without a network.
    static let meaning = ["config", "target", "variables"]
    static let variablesKey = "variables"
    static let wavelengthsKey = "wavelengths_nm"

    /// Reads what `--network`, `--config` and `--target` name.
    init(_ arguments: Arguments, use: String) throws(CommandFailure) {
        guard let path = arguments.values["network"] else {
            throw CommandFailure(.usage, "use: argent model \(use)")
        }
        try self.init(path: path, meaning: try ModelMeaning(arguments))
    }

    init(path: String, meaning: ModelMeaning) throws(CommandFailure) {
        self.path = path
        let file = try Self.tensors(path)
        engine = try Self.engine(file, path)
        metadata = file.metadata
        settings = meaning.settings
        variables = meaning.variables ?? Self.variables(in: metadata)
        let (inputs, outputs) = engine.counts
        if let variables, variables.count != inputs {
            throw CommandFailure(
                .badInput,
                "\(path) takes \(inputs) numbers, but there are \(variables.count) "
                    + "variables: \(variables.map(\.name).joined(separator: ", "))")
        }
        wavelengths = Self.wavelengths(in: metadata, or: settings.loss, of: outputs)
        guard let wavelengths else {
            loss = nil
            return
        }
        do throws(SpectraError) {
            loss = try Loss(
                target: meaning.target, wavelengths: wavelengths, settings: settings.loss)
        } catch { throw CommandFailure(.badInput, "\(meaning.targetName): \(error)") }
    }

    private static func engine(
        _ file: Safetensors, _ path: String
    ) throws(CommandFailure) -> Engine {
        if file.metadata["format"] == QuantizedNetwork.fileFormat {
            do throws(QuantizationError) {
                return .quantized(QuantizedPredictor(try QuantizedNetwork(file)))
            } catch { throw CommandFailure(.badInput, "\(path): \(error)") }
        }
        do throws(DenseNetworkError) { return .float(try DenseNetwork(file)) } catch {
            throw CommandFailure(.badInput, "\(path): \(error)")
        }
    }

    /// The network in single precision, or a failure for a quantised one.
    func neededFloat() throws(CommandFailure) -> DenseNetwork {
        guard case .float(let network) = engine else {
            throw CommandFailure(
                .badInput, "\(path) is quantised: give the float network it was made from")
        }
        return network
    }

    /// The tensors of the file at `path`.
    static func tensors(_ path: String) throws(CommandFailure) -> Safetensors {
        let bytes: [UInt8]
        do throws(WorldError) { bytes = try Files.read(path, limit: InputFile.sizeLimit) } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
        do throws(SafetensorsError) { return try Safetensors(bytes: bytes) } catch {
            throw CommandFailure(.badInput, "\(path): \(error)")
        }
    }

    /// Writes `file` to `path`, whole or not at all.
    static func write(_ file: Safetensors, to path: String) throws(CommandFailure) {
        do throws(WorldError) { try Files.replace(path, with: file.encoded()) } catch {
            throw CommandFailure(.failure, "\(error)")
        }
    }

    /// The loss, or a failure that says why there is none.
    func neededLoss() throws(CommandFailure) -> Loss {
        guard let loss else {
            throw CommandFailure(
                .badInput,
                "\(path) gives \(engine.counts.outputs) numbers, which are no spectrum on the grid "
                    + "of [loss]: say from, through and step in --config")
        }
        return loss
    }

    /// The variables as far as they are known, else the columns of `table` that are neither
    /// spectrum nor loss, in the order they stand.
    func variables(or table: DataTable) throws(CommandFailure) -> [VariableSettings] {
        if let variables { return variables }
        let absorbance = try TableFile.naming { () throws(TableError) in
            try table.absorbanceColumns(besides: [])
        }
        let names = table.names.enumerated().filter { column, name in
            !absorbance.columns.contains(column) && name != HistoryTable.lossColumn
        }.map(\.element)
        let inputs = engine.counts.inputs
        guard names.count == inputs else {
            throw CommandFailure(
                .badInput,
                "\(table.file): \(path) takes \(inputs) numbers, and nothing says "
                    + "which of the \(names.count) columns they are: name them with --config "
                    + "or --variables")
        }
        return names.map(ModelMeaning.variable)
    }

    /// The spectrum `recipe` would have. Throws for a recipe beyond single precision.
    func predict(_ recipe: [Double]) throws(CommandFailure) -> [Double] {
        let outputs: [Float]
        do throws(QuantizationError) {
            outputs = try engine.predict(recipe.map { Float($0) })
        } catch { throw CommandFailure(.badInput, "\(path): \(error)") }
        guard outputs.allSatisfy(\.isFinite) else {
            let values = recipe.map(TableFile.exact).joined(separator: ", ")
            throw CommandFailure(.badInput, "\(path) has no answer for the recipe \(values)")
        }
        return outputs.map { Double($0) }
    }

    /// The loss of `spectrum`; nil when it has none (flat, or not finite).
    func loss(of spectrum: [Double]) -> Double? {
        guard let loss else { return nil }
        do throws(SpectraError) { return try loss.of(spectrum) } catch { return nil }
    }

    /// Metadata that say what the inputs and outputs are.
    static func metadata(
        variables: [VariableSettings], wavelengths: [Double]
    ) -> [String: String] {
        var metadata = [variablesKey: variables.map(\.name).joined(separator: "\n")]
        if !wavelengths.isEmpty {
            metadata[wavelengthsKey] = wavelengths.map(TableFile.exact).joined(separator: " ")
        }
        return metadata
    }

    private static func variables(in metadata: [String: String]) -> [VariableSettings]? {
        metadata[variablesKey].map {
            $0.split(separator: "\n").map { ModelMeaning.variable(String($0)) }
        }
    }

    private static func wavelengths(
        in metadata: [String: String], or settings: LossSettings, of count: Int
    ) -> [Double]? {
        if let text = metadata[wavelengthsKey] {
            let values = text.split(separator: " ").compactMap { Double(String($0)) }
            let rise = zip(values, values.dropFirst()).allSatisfy { $0 < $1 }
            if values.count == count, rise, values.allSatisfy(\.isFinite) { return values }
        }
        guard let grid = try? GridResampler.grid(settings), grid.count == count else { return nil }
        return grid
    }
}

extension ModelFile.Engine {
    /// How many numbers go in and come out.
    var counts: (inputs: Int, outputs: Int) {
        switch self {
        case .float(let network): (network.inputCount, network.outputCount)
        case .quantized(let predictor):
            (predictor.network.inputCount, predictor.network.outputCount)
        }
    }

    /// The outputs for `inputs`, of which there are as many as the network takes.
    func predict(_ inputs: [Float]) throws(QuantizationError) -> [Float] {
        switch self {
        case .float(let network): return network.predict(inputs)
        case .quantized(let predictor):
            var outputs = [Float](repeating: 0, count: predictor.network.outputCount)
            try predictor.predict(inputs, into: &outputs)
            return outputs
        }
    }
}
