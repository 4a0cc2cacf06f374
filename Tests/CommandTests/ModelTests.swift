import Foundation
import TestSupport
import Testing

/// A network small enough to be computed by hand, in a folder of its own.
///
/// One variable x; hidden units max(0, x) and max(0, 1 − x); outputs at 400, 410 and 420 nm:
/// (0.1, 0.1 + 0.8 · first, 0.1 + 0.6 · second).
struct SmallNetwork {
    let folder: TestFolder
    let config: String
    let network: String

    init() throws {
        folder = try TestFolder()
        try FileManager.default.createDirectory(
            atPath: folder["layers"], withIntermediateDirectories: false)
        try folder.write("layers/dense_1.kernel.csv", "1,-1\n")
        try folder.write("layers/dense_1.bias.csv", "0\n1\n")
        try folder.write("layers/dense_2.kernel.csv", "0,0.8,0\n0,0,0.6\n")
        try folder.write("layers/dense_2.bias.csv", "0.1,0.1,0.1\n")
        try folder.write("target.csv", "nm,value\n400,0\n410,1\n420,0\n")
        config = try folder.write(
            "c.toml",
            """
            [campaign]
            target = "target.csv"

            [loss]
            from = "400 nm"
            through = "420 nm"
            step = "10 nm"

            [[variable]]
            name = "x"
            kind = "number"
            bounds = [0, 1]
            limits = [0, 2]

            """)
        network = folder["n.safetensors"]
        let told = try Program.run(
            "model", "import", folder["layers"], "--out", network, "--config", config)
        try #require(told.code == 0, "\(told.err)")
        try #require(told.out.hasPrefix("a dense network 1-2-3, 13 parameters, all finite\n"))
    }

    static func outputs(_ x: Double) -> [Double] {
        [0.1, 0.1 + 0.8 * max(0, x), 0.1 + 0.6 * max(0, 1 - x)]
    }

    /// The loss against a spike in the middle: minmax takes the 0.1 away.
    static func loss(_ x: Double) -> Double {
        let (a, b) = (0.8 * max(0, x), 0.6 * max(0, 1 - x))
        let largest = 0.1 + max(a, b)
        let amplitude = largest > 1.2 ? 0 : min(1, largest / 0.7)
        return 1 - amplitude * a / (a * a + b * b).squareRoot()
    }

    /// The fields below the header of `text`.
    static func rows(_ text: String) -> [[Double]] { SuggestFiles.recipes(text) }
}

@Suite("argent model")
struct ModelTests {
    @Test("predicts spectra and losses that can be computed by hand")
    func predict() throws {
        let small = try SmallNetwork()
        let recipes = try small.folder.write("r.csv", "id,x\na,0.25\nb,0.5\nc,1\nd,1.4\n")
        let told = try Program.run(
            "model", "predict", "--network", small.network, "--recipes", recipes, "--spectra",
            "--config", small.config)
        #expect(told.code == 0, "\(told.err)")
        #expect(told.out.hasPrefix("x,loss,A400,A410,A420\n"))
        let rows = SmallNetwork.rows(told.out)
        try #require(rows.count == 4)
        for (row, x) in zip(rows, [0.25, 0.5, 1, 1.4]) {
            let expected = [x, SmallNetwork.loss(x)] + SmallNetwork.outputs(x)
            for (a, b) in zip(row, expected) { #expect(abs(a - b) < 1e-6, "\(row) \(expected)") }
        }
    }

    @Test("knows its variables and wavelengths again from its own file")
    func remembers() throws {
        let small = try SmallNetwork()
        let recipes = try small.folder.write("r.csv", "other,x\n7,0.25\n")
        let told = try Program.run(
            "model", "predict", "--network", small.network, "--recipes", recipes, "--target",
            small.folder["target.csv"])
        #expect(told.code == 0, "\(told.err)")
        let row = try #require(SmallNetwork.rows(told.out).first)
        #expect(abs(row[1] - SmallNetwork.loss(0.25)) < 1e-6)
        let wrong = try small.folder.write("w.csv", "y,z\n7,0.25\n")
        let refused = try Program.run(
            "model", "predict", "--network", small.network, "--recipes", wrong, "--target",
            small.folder["target.csv"])
        #expect(refused.code == 3 && refused.err.contains("w.csv:1:1: there is no column x"))
    }

    @Test("is judged by what was measured")
    func evaluate() throws {
        let small = try SmallNetwork()
        // The second spectrum is off by 0.1 at its peak.
        var text = "x,A400,A410,A420\n"
        for (x, off) in [(0.25, 0.0), (0.5, 0.1), (1, 0)] {
            let outputs = SmallNetwork.outputs(x)
            text += "\(x),\(outputs[0]),\(outputs[1] + off),\(outputs[2])\n"
        }
        let data = try small.folder.write("h.csv", text)
        let told = try Program.run(
            "model", "evaluate", "--network", small.network, "--data", data, "--config",
            small.config, "--json")
        #expect(told.code == 0, "\(told.err)")
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(told.out.utf8)) as? [String: Any])
        var squares = 0.01
        for x in [0.25, 0.5, 1] {
            for value in SmallNetwork.outputs(x) { squares += value * value }
        }
        squares += 2 * 0.1 * 0.5
        let relative = try #require(json["relative_rmse"] as? Double)
        #expect(abs(relative - (0.01 / squares).squareRoot()) < 1e-6)
        #expect(json["rows"] as? Int == 3 && json["losses"] as? Int == 3)
        #expect(json["peak_error_nm_p99"] as? Double == 0)
        let largest = try #require(json["largest_absorbance_error"] as? Double)
        #expect(abs(largest - 0.1 / 3) < 1e-6)
    }

    @Test("the best of a grid are the best of all its recipes")
    func grid() throws {
        let small = try SmallNetwork()
        let told = try Program.run(
            "model", "grid", "--network", small.network, "--config", small.config, "--points",
            "41", "--best", "5", "--limits")
        #expect(told.code == 0, "\(told.err)")
        let all = (0...40).map { Double($0) * 0.05 }
        let expected = all.sorted { SmallNetwork.loss($0) < SmallNetwork.loss($1) }.prefix(5)
        let rows = SmallNetwork.rows(told.out)
        #expect(rows.count == 5)
        for (row, x) in zip(rows, expected) {
            #expect(abs(row[1] - SmallNetwork.loss(x)) < 1e-6, "\(rows) \(expected)")
        }
        let refined = try Program.run(
            "model", "grid", "--network", small.network, "--config", small.config, "--points",
            "4", "--best", "1", "--refine")
        let best = try #require(SmallNetwork.rows(refined.out).first)
        // At x = 1 the second peak is gone, and nothing is better than a loss of 0.
        #expect(best[1] < 0.01 && best[1] <= SmallNetwork.loss(1) + 1e-6, "\(best)")
    }

    @Test("explanations add up, maps and sweeps are predictions")
    func explain() throws {
        let small = try SmallNetwork()
        let recipes = try small.folder.write("r.csv", "x\n0.5\n0.75\n")
        let background = try small.folder.write("b.csv", "x\n0.1\n0.3\n")
        let words = [
            "model", "explain", "--network", small.network, "--config", small.config, "--recipes",
            recipes,
        ]
        let told = try Program.run(words + ["--background", background])
        #expect(told.code == 0 && told.out.hasPrefix("row,loss,x\n"), "\(told.err)")
        let base = (SmallNetwork.loss(0.1) + SmallNetwork.loss(0.3)) / 2
        for (row, x) in zip(SmallNetwork.rows(told.out), [0.5, 0.75]) {
            #expect(abs(row[1] - SmallNetwork.loss(x)) < 1e-5)
            #expect(abs(row[2] - (SmallNetwork.loss(x) - base)) < 1e-5)
        }
        let along = try Program.run(words + ["--along", "x", "--points", "5"])
        let rows = SmallNetwork.rows(along.out)
        try #require(along.code == 0 && rows.count == 5)
        for (row, x) in zip(rows, [0, 0.25, 0.5, 0.75, 1]) {
            #expect(abs(row[0] - x) < 1e-6)
            for (a, b) in zip(row.dropFirst(2), SmallNetwork.outputs(x)) {
                #expect(abs(a - b) < 1e-6)
            }
        }
        let same = try Program.run(words + ["--map", "x,x"])
        #expect(same.code == 3 && same.err.contains("two different variables"))
        let slip = try Program.run(words + ["--along", "xx"])
        #expect(slip.code == 2 && slip.err.contains("did you mean x?"))
    }

    @Test("a quantised network is reported on, refused beyond the limit, and then predicts")
    func quantize() throws {
        let small = try SmallNetwork()
        let rows = (1...30).map { "\(Double($0) / 20)\n" }.joined()
        let recipes = try small.folder.write("r.csv", "x\n" + rows)
        let out = small.folder["q.safetensors"]
        let words = [
            "model", "quantize", "--network", small.network, "--config", small.config,
            "--calibration", recipes, "--out", out,
        ]
        let refused = try Program.run(words + ["--limit", "0"])
        #expect(refused.code == 1 && refused.err.contains("is not written"), "\(refused.err)")
        #expect(refused.out.contains("relative RMSE"))
        #expect(!FileManager.default.fileExists(atPath: out))
        let told = try Program.run(words)
        #expect(told.code == 0 && told.out.contains("30 recipes"), "\(told.err)")
        let predicted = try Program.run(
            "model", "predict", "--network", out, "--config", small.config, "--recipes", recipes)
        #expect(predicted.code == 0, "\(predicted.err)")
        for row in SmallNetwork.rows(predicted.out) {
            #expect(abs(row[1] - SmallNetwork.loss(row[0])) < 0.02, "\(row)")
        }
        let grid = try Program.run("model", "grid", "--network", out, "--config", small.config)
        #expect(grid.code == 3 && grid.err.contains("quantised"))
    }

    @Test("training learns the spectra it is shown, the same ones each time")
    func train() throws {
        let small = try SmallNetwork()
        var text = "x,A400,A410,A420\n"
        for row in 0..<24 {
            let x = Double(row / 2) / 11
            let outputs = SmallNetwork.outputs(x).map { "\($0)" }
            text += "\(x)," + outputs.joined(separator: ",") + "\n"
        }
        let history = try small.folder.write("h.csv", text)
        for name in ["one", "two"] {
            let told = try Program.run(
                "model", "train", "--config", small.config, "--history", history, "--out",
                small.folder[name], "--hidden", "16", "--epochs", "300", "--seed", "5")
            #expect(told.code == 0, "\(told.err)")
            #expect(told.out.contains("1-16-3 from 12 conditions (24 rows)"))
            // Nobody looks at a log line by line.
            #expect(told.err.isEmpty)
        }
        let one = try Data(contentsOf: URL(fileURLWithPath: small.folder["one"]))
        let two = try Data(contentsOf: URL(fileURLWithPath: small.folder["two"]))
        #expect(one == two)
        let judged = try Program.run(
            "model", "evaluate", "--network", small.folder["one"], "--data", history, "--config",
            small.config, "--json")
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(judged.out.utf8)) as? [String: Any])
        // A network that has learned nothing but the mean spectrum is off by its scatter.
        let spectra = (0..<12).map { SmallNetwork.outputs(Double($0) / 11) }
        let means = (0..<3).map { point in spectra.reduce(0) { $0 + $1[point] } / 12 }
        var (scatter, size) = (0.0, 0.0)
        for spectrum in spectra {
            for (value, mean) in zip(spectrum, means) {
                scatter += (value - mean) * (value - mean)
                size += value * value
            }
        }
        let error = try #require(json["relative_rmse"] as? Double)
        #expect(error < 0.3 * (scatter / size).squareRoot())
        try interrupted(small, history, sameAs: one)
        let again = try Program.run(
            "model", "train", "--config", small.config, "--history", history, "--out",
            small.folder["three"], "--warm-start", small.folder["one"], "--epochs", "5")
        #expect(again.code == 0 && again.out.contains("1-16-3"), "\(again.err)")
    }

    /// A training that is broken off by a signal and goes on gives the same bytes.
    private func interrupted(
        _ small: SmallNetwork, _ history: String, sameAs whole: Data
    ) throws {
        let words = [
            "model", "train", "--config", small.config, "--history", history, "--out",
            small.folder["four"], "--hidden", "16", "--epochs", "300", "--seed", "5", "--resume",
            small.folder["state"],
        ]
        let child = try Child(
            Program.path, words, output: small.folder["out"], error: small.folder["err"])
        usleep(60_000)
        kill(child.identifier, SIGINT)
        // Whether the signal came before, during or after the training: what is there at the
        // end is the same.
        if child.wait() != 0 {
            #expect(!FileManager.default.fileExists(atPath: small.folder["four"]))
            let told = try Program.run(words)
            #expect(told.code == 0, "\(told.err)")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: small.folder["four"])) == whole)
        #expect(!FileManager.default.fileExists(atPath: small.folder["state"]))
    }

    @Test(
        "files that are no network, tables without what is needed: exit code 3",
        arguments: [
            (["predict", "--network", "r.csv", "--recipes", "r.csv"], "r.csv"),
            (["predict", "--network", "none", "--recipes", "r.csv"], "none"),
            (["import", "empty"], "dense_1.kernel.csv"),
            (["train", "--history", "r.csv", "--out", "o"], "no spectra"),
            (
                ["evaluate", "--network", "n.safetensors", "--data", "r.csv"],
                "neither a column loss"
            ),
            (
                [
                    "quantize", "--network", "n.safetensors", "--calibration", "bad.csv", "--out",
                    "o",
                ],
                "bad.csv:2:1"
            ),
        ])
    func wrongFiles(words: [String], says: String) throws {
        let small = try SmallNetwork()
        try small.folder.write("r.csv", "x\n0.5\n")
        try small.folder.write("bad.csv", "x\nnan\n")
        try FileManager.default.createDirectory(
            atPath: small.folder["empty"], withIntermediateDirectories: false)
        let files: Set = ["r.csv", "none", "empty", "n.safetensors", "bad.csv", "o"]
        let told = try Program.run(
            ["model"] + words.map { files.contains($0) ? small.folder[$0] : $0 }
                + ["--config", small.config])
        #expect(told.code == 3 && told.err.contains(says), "\(told.err)")
        #expect(told.out.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: small.folder["o"]))
    }

    @Test("alone it teaches; every verb explains itself; slips get a suggestion")
    func words() throws {
        let bare = try Program.run("model")
        #expect(bare.code == 2 && bare.out.contains("argent model train --config C.toml"))
        for verb in ["train", "import", "evaluate", "quantize", "predict", "explain", "grid"] {
            #expect(bare.out.contains("  \(verb) "))
            let told = try Program.run("model", verb, "--help")
            #expect(told.code == 0 && told.out.hasPrefix("argent model \(verb) "), "\(verb)")
            let empty = try Program.run("model", verb)
            #expect(empty.code == 2 && empty.err.contains("use: argent model \(verb) "), "\(verb)")
        }
        let slip = try Program.run("model", "trian")
        #expect(slip.code == 2 && slip.err.contains("did you mean `argent model train`?"))
    }
}
