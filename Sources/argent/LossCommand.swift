import Configuration
import Spectra

/// `argent loss`: the losses of droplet spectra in a CSV file.
enum LossCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(words, verb: "loss", options: ["target"], positional: 1)
        guard let targetPath = arguments.values["target"], let path = arguments.positional.first
        else { throw CommandFailure(.usage, "use: argent loss --target TARGET.csv SPECTRA.csv") }
        let target = try read(targetPath, TargetSpectrum.parse)
        let table = try read(path, SpectraTable.parse)
        do throws(SpectraError) {
            Output.raw(try table.lossReport(target: target, settings: LossSettings()))
        } catch { throw CommandFailure(.badInput, "\(path): \(error)") }
    }

    private static func read<Value>(
        _ path: String, _ parse: (String) throws(SpectraError) -> Value
    ) throws(CommandFailure) -> Value {
        let text = try InputFile.text(path)
        do throws(SpectraError) { return try parse(text) } catch {
            throw CommandFailure(.badInput, "\(path): \(error)")
        }
    }
}
