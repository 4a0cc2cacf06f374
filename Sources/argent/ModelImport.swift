import Agent
import Campaign
import Spectra
import Surrogates
import World

/// `argent model import`: checks a network somebody else trained, and writes it as Argent's own.
enum ModelImport {
    static let use = "import FILE.safetensors|FOLDER [--out N.safetensors] [--config C]"

    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "model import", options: ["out"] + ModelFile.meaning, positional: 1)
        guard let path = arguments.positional.first else {
            throw CommandFailure(.usage, "use: argent model \(use)")
        }
        let file = try Files.isDirectory(path) ? folder(path) : ModelFile.tensors(path)
        let network: DenseNetwork
        do throws(DenseNetworkError) { network = try DenseNetwork(file) } catch {
            throw CommandFailure(.badInput, "\(path): \(error)")
        }
        for (index, layer) in network.layers.enumerated() {
            guard layer.kernel.allSatisfy(\.isFinite), layer.bias.allSatisfy(\.isFinite) else {
                throw CommandFailure(
                    .badInput, "\(path): layer \(index + 1) holds a number that is not finite")
            }
        }
        Output.raw(summary(network))
        guard let out = arguments.values["out"] else {
            Output.line("nothing written: say --out N.safetensors")
            return
        }
        var metadata = file.metadata
        let meaning = try ModelMeaning(arguments)
        if meaning.variables != nil {
            metadata.merge(try described(network, meaning, path)) { $1 }
        }
        try ModelFile.write(network.safetensors(metadata: metadata), to: out)
        Output.line("written to \(out)")
    }

    /// What the configuration says of inputs and outputs, to go into the file.
    private static func described(
        _ network: DenseNetwork, _ meaning: ModelMeaning, _ path: String
    ) throws(CommandFailure) -> [String: String] {
        let variables = meaning.variables ?? []
        guard variables.count == network.inputCount else {
            throw CommandFailure(
                .badInput,
                "\(path) takes \(network.inputCount) numbers, but there are "
                    + "\(variables.count) variables")
        }
        let grid = try? GridResampler.grid(meaning.settings.loss)
        let isSpectrum = grid?.count == network.outputCount
        return ModelFile.metadata(
            variables: variables, wavelengths: isSpectrum ? grid ?? [] : [])
    }

    /// Layers, parameters and the range of the weights.
    private static func summary(_ network: DenseNetwork) -> String {
        var text = ""
        var parameters = 0
        for (index, layer) in network.layers.enumerated() {
            let weights = layer.kernel + layer.bias
            parameters += weights.count
            let isLast = index == network.layers.count - 1
            text += "  dense_\(index + 1): \(layer.inputs) to \(layer.outputs), "
            text += isLast ? "linear" : "ReLU"
            text += ", weights \(short(Double(weights.min() ?? 0))) to "
            text += "\(short(Double(weights.max() ?? 0)))\n"
        }
        let sizes = [network.inputCount] + network.layers.map(\.outputs)
        return "a dense network " + sizes.map(String.init).joined(separator: "-")
            + ", \(parameters) parameters, all finite\n" + text
    }

    /// The tensors of a folder that holds `dense_1.kernel.csv`, one line per input, and
    /// `dense_1.bias.csv`, and so on for every layer.
    private static func folder(_ path: String) throws(CommandFailure) -> Safetensors {
        var tensors: [String: Tensor] = [:]
        for number in 1...DenseNetwork.maximumLayers {
            for part in ["kernel", "bias"] {
                let name = "dense_\(number).\(part)"
                let file = "\(path)/\(name).csv"
                guard Files.exists(file) else { continue }
                let text = try InputFile.text(file)
                let rows = try TableFile.naming { () throws(TableError) in
                    try DataTable.matrix(file: file, bytes: Array(text.utf8))
                }
                let values = rows.flatMap { $0 }
                // A bias may be written along a line or down a column.
                let shape = part == "bias" ? [values.count] : [rows.count, rows.first?.count ?? 0]
                tensors[name] = Tensor(shape: shape, values: values)
            }
        }
        guard !tensors.isEmpty else {
            throw CommandFailure(
                .badInput, "\(path) holds no dense_1.kernel.csv: write one CSV file per tensor")
        }
        return Safetensors(tensors: tensors)
    }
}
