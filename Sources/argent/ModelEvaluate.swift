import Agent
import Campaign
import Configuration
import Export
import Numerics
import Spectra

/// `argent model evaluate`: how far a network is from what was measured.
enum ModelEvaluate {
    static let use = "evaluate --network N.safetensors --data H.csv [--median] [--json]"

    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "model evaluate", options: ModelFile.options + ["data"],
            flags: ["median", "json"])
        let model = try ModelFile(arguments, use: use)
        guard let path = arguments.values["data"] else {
            throw CommandFailure(.usage, "use: argent model \(use)")
        }
        let table = try TableFile.read(path, rowLimit: HistoryTable.rowLimit)
        let variables = try model.variables(or: table)
        var data = try TableFile.naming { () throws(TableError) in
            try HistoryTable(table, variables: variables, readsSpectra: true)
        }
        guard data.count > 0 else { throw CommandFailure(.badInput, "\(path): no rows") }
        try fillLosses(&data, model, path)
        if arguments.flags.contains("median") { data.joinEqualRecipes() }
        let errors = try ModelErrors(model, data)
        Output.raw(
            arguments.flags.contains("json") ? errors.json + "\n" : errors.text(path: model.path))
    }

    /// Losses from spectra where the file holds none and the network has one to compare with.
    private static func fillLosses(
        _ data: inout HistoryTable, _ model: ModelFile, _ path: String
    ) throws(CommandFailure) {
        guard !data.spectra.isEmpty else {
            _ = try model.neededLoss()
            return
        }
        guard let wavelengths = model.wavelengths, wavelengths.count == data.wavelengths.count,
            zip(wavelengths, data.wavelengths).allSatisfy({ abs($0 - $1) < 1e-6 })
        else {
            throw CommandFailure(
                .badInput,
                "\(path) holds \(data.wavelengths.count) wavelengths, \(model.path) predicts "
                    + "\(model.engine.counts.outputs) others: they cannot be compared")
        }
        guard let loss = model.loss else { return }
        try TableFile.naming { () throws(TableError) in try data.computeLosses(loss) }
    }
}

/// Errors of a network, in the units of the one who runs the experiment.
struct ModelErrors {
    /// Rows compared.
    let rows: Int
    /// √(Σ (predicted − measured)² / Σ measured²); nil without spectra.
    private(set) var relativeRMSE: Double?
    /// Mean absolute error of the largest absorbance.
    private(set) var largestError: Double?
    /// Median and 99 % quantile of how far the peak is off, nm.
    private(set) var peak: (median: Double, most: Double)?
    /// Mean and median absolute error of the loss; nil where no losses could be compared.
    private(set) var loss: (mean: Double, median: Double)?
    /// Pearson's correlation of predicted and measured losses; nil for fewer than three.
    private(set) var correlation: Double?
    /// Losses compared.
    private(set) var losses = 0

    init(_ model: ModelFile, _ data: HistoryTable) throws(CommandFailure) {
        rows = data.count
        var square = 0.0
        var size = 0.0
        var tops: [Double] = []
        var moves: [Double] = []
        var pairs: [(predicted: Double, measured: Double)] = []
        for (row, recipe) in data.recipes.enumerated() {
            let predicted = try model.predict(recipe)
            if !data.spectra.isEmpty {
                let measured = data.spectra[row]
                for (a, b) in zip(predicted, measured) {
                    square += (a - b) * (a - b)
                    size += b * b
                }
                let (here, there) = (Self.peak(predicted), Self.peak(measured))
                tops.append(abs(predicted[here] - measured[there]))
                moves.append(abs(data.wavelengths[here] - data.wavelengths[there]))
            }
            if !data.losses.isEmpty, let loss = model.loss(of: predicted) {
                pairs.append((loss, data.losses[row]))
            }
        }
        if !tops.isEmpty {
            relativeRMSE = size > 0 ? (square / size).squareRoot() : nil
            largestError = tops.reduce(0, +) / Double(tops.count)
            moves.sort()
            let most = moves[min(moves.count - 1, moves.count * 99 / 100)]
            peak = (median(of: moves) ?? 0, most)
        }
        losses = pairs.count
        guard !pairs.isEmpty else { return }
        let errors = pairs.map { abs($0.predicted - $0.measured) }
        loss = (errors.reduce(0, +) / Double(errors.count), median(of: errors) ?? 0)
        correlation = Self.correlation(pairs)
    }

    /// Where the largest value is, the first of equals.
    private static func peak(_ values: [Double]) -> Int {
        var best = 0
        for index in values.indices where values[index] > values[best] { best = index }
        return best
    }

    private static func correlation(_ pairs: [(predicted: Double, measured: Double)]) -> Double? {
        guard pairs.count >= 3 else { return nil }
        let count = Double(pairs.count)
        let x = pairs.reduce(0) { $0 + $1.predicted } / count
        let y = pairs.reduce(0) { $0 + $1.measured } / count
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for pair in pairs {
            xx += (pair.predicted - x) * (pair.predicted - x)
            yy += (pair.measured - y) * (pair.measured - y)
            xy += (pair.predicted - x) * (pair.measured - y)
        }
        return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : nil
    }

    func text(path: String) -> String {
        var text = "\(path) against \(rows) measured rows\n"
        if let relativeRMSE { text += "  spectra: relative RMSE \(short(100 * relativeRMSE)) %" }
        if let largestError { text += ", largest absorbance off by \(short(largestError))" }
        if let peak {
            text += ", peak off by \(short(peak.median)) nm (99 %: \(short(peak.most)) nm)\n"
        }
        if let loss {
            text += "  loss: mean error \(short(loss.mean)), median \(short(loss.median))"
            if let correlation { text += ", correlation \(short(correlation))" }
            text += losses < rows ? " (\(losses) rows have one)\n" : "\n"
        }
        return text
    }

    var json: String {
        JSONText.object { json in
            json.member("rows", rows)
            json.member("relative_rmse", relativeRMSE)
            json.member("largest_absorbance_error", largestError)
            json.member("peak_error_nm_median", peak?.median)
            json.member("peak_error_nm_p99", peak?.most)
            json.member("loss_error_mean", loss?.mean)
            json.member("loss_error_median", loss?.median)
            json.member("loss_correlation", correlation)
            json.member("losses", losses)
        }
    }
}
