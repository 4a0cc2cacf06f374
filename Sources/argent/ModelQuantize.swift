import Agent
import Campaign
import Configuration
import Export
import Spectra
import Surrogates

/// `argent model quantize`: a network in 8-bit weights, and how far it is from the float one.
enum ModelQuantize {
    static let use = "quantize --network N.safetensors --calibration R.csv --out Q.safetensors"

    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "model quantize",
            options: ModelFile.options + [
                "calibration", "out", "limit", "loss-limit", "peak-limit",
            ], flags: ["fast", "json"])
        guard let out = arguments.values["out"], let path = arguments.values["calibration"] else {
            throw CommandFailure(.usage, "use: argent model \(use)")
        }
        let settings = try settings(arguments)
        let model = try ModelFile(arguments, use: use)
        let network = try model.neededFloat()
        let table = try TableFile.read(path, rowLimit: QuantizedNetwork.maximumCalibration)
        let variables = try model.variables(or: table)
        let rows = try TableFile.naming { () throws(TableError) in try table.recipes(variables) }
        // Recipes that were made many times (droplets) teach no more than once.
        var seen: Set<[Double]> = []
        let recipes = rows.filter { seen.insert($0).inserted }.map { $0.map { Float($0) } }
        let judge = QuantizationJudge(
            wavelengths: model.wavelengths, loss: model.loss == nil ? nil : model.loss(of:))
        let quantized: QuantizedNetwork
        let report: QuantizationReport
        do throws(QuantizationError) {
            var free = settings
            free.limit = .none
            quantized = try QuantizedNetwork(
                quantizing: network, calibration: recipes, settings: free)
            report = try QuantizationReport(
                of: quantized, against: network, recipes: recipes, judge: judge)
        } catch { throw CommandFailure(.badInput, "\(error)") }
        Output.raw(
            arguments.flags.contains("json")
                ? json(report) + "\n" : text(report, settings.limit))
        do throws(QuantizationError) { try report.check(settings.limit) } catch {
            throw CommandFailure(.failure, "\(out) is not written: \(error)")
        }
        var file = quantized.safetensors()
        file.metadata.merge(described(model, variables)) { own, _ in own }
        try ModelFile.write(file, to: out)
        Output.error("written to \(out)")
    }

    private static func settings(_ arguments: Arguments) throws(CommandFailure)
        -> QuantizationSettings
    {
        var settings: QuantizationSettings = arguments.flags.contains("fast") ? .fast : .fine
        let percent = try arguments.number("limit", in: 0...1_000)
        if let percent { settings.limit.relativeRMSE = percent / 100 }
        let loss = try arguments.number("loss-limit", in: 0...10)
        if let loss { settings.limit.lossError = loss }
        let peak = try arguments.number("peak-limit", in: 0...10_000)
        if let peak { settings.limit.peakDisplacementNm = peak }
        return settings
    }

    /// What the float network's inputs and outputs are, for the quantised one's file.
    private static func described(
        _ model: ModelFile, _ variables: [VariableSettings]
    ) -> [String: String] {
        ModelFile.metadata(variables: variables, wavelengths: model.wavelengths ?? [])
    }

    private static func text(_ report: QuantizationReport, _ limit: QuantizationLimit) -> String {
        var text = "8-bit weights against single precision, \(report.recipes) recipes\n"
        text += "  relative RMSE of outputs     \(short(100 * report.relativeRMSE)) %"
        text += "  (limit \(short(100 * limit.relativeRMSE)) %)\n"
        text += "  largest absorbance, mean     \(short(report.largestOutputError))\n"
        if let mean = report.lossError, let worst = report.lossErrorWorst {
            text += "  loss, mean error             \(short(mean))"
            text += "  (limit \(short(limit.lossError)); worst \(short(worst)))\n"
        }
        if let most = report.peakDisplacementNm99, let worst = report.peakDisplacementNmWorst {
            text += "  peak displacement, 99 %      \(short(most)) nm"
            text += "  (limit \(short(limit.peakDisplacementNm)) nm; worst \(short(worst)) nm)\n"
        }
        return text
    }

    private static func json(_ report: QuantizationReport) -> String {
        JSONText.object { json in
            json.member("recipes", report.recipes)
            json.member("relative_rmse", report.relativeRMSE)
            json.member("largest_absorbance_error", report.largestOutputError)
            json.member("loss_error_mean", report.lossError)
            json.member("loss_error_worst", report.lossErrorWorst)
            json.member("peak_displacement_nm_p99", report.peakDisplacementNm99)
            json.member("peak_displacement_nm_worst", report.peakDisplacementNmWorst)
        }
    }
}
