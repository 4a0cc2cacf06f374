import Glibc
import Numerics
import Surrogates

/// Predictions and training of the spectrum network, on data made here.
var trainingBenchmarks: [Benchmark] {
    [
        predictions(1), predictions(4_096), training("training/90x4", TrainingSettings()),
        training("training/90x4/published-shape", .publishedShape),
    ]
}

/// A network of the published sizes with random weights.
private func randomNetwork(seed: UInt64) throws -> DenseNetwork {
    let sizes = [5, 50, 100, 200, 500, 421]
    var generator = SeededGenerator(seed: seed)
    return try DenseNetwork(
        layers: (1..<sizes.count).map { layer in
            let deviation = (2 / Double(sizes[layer - 1])).squareRoot()
            return DenseNetwork.Layer(
                inputs: sizes[layer - 1], outputs: sizes[layer],
                kernel: (0..<sizes[layer - 1] * sizes[layer]).map { _ in
                    Float(generator.normal() * deviation)
                }, bias: [Float](repeating: 0.01, count: sizes[layer]))
        })
}

private func predictions(_ count: Int) -> Benchmark {
    Benchmark(name: "network/float/\(count)", work: Double(count), unit: "rows") {
        let network = try randomNetwork(seed: 3)
        let scratch = PredictionScratch(for: network)
        let rows = benchFloats(count * 5, seed: 4)
        var outputs = [Float](repeating: 0, count: count * 421)
        return {
            network.predict(rows: rows, count: count, into: &outputs, scratch: scratch)
            keep(outputs)
        }
    }
}

/// 90 conditions of four droplets, a random chemistry.
private func training(_ name: String, _ settings: TrainingSettings) -> Benchmark {
    Benchmark(name: name) {
        let teacher = try randomNetwork(seed: 5)
        var inputs: [Float] = []
        var outputs: [Float] = []
        var generator = SeededGenerator(seed: 6)
        for _ in 0..<90 {
            let recipe = (0..<5).map { _ in Float(generator.uniform(-1, 1)) }
            let spectrum = teacher.predict(recipe)
            for _ in 0..<4 {
                let amplitude = Float(1 + 0.05 * generator.normal())
                inputs += recipe
                outputs += spectrum.map { $0 * amplitude }
            }
        }
        let set = try TrainingSet(
            inputs: inputs, outputs: outputs, inputCount: 5, outputCount: 421,
            condition: (0..<360).map { $0 / 4 })
        return { keep(try? NetworkTrainer(set, settings: settings).train()) }
    }
}

/// `argent-bench --train TRAIN.csv TEST.csv [NAME=VALUE…]`: trains on rows `condition, inputs…,
/// outputs…` and prints seconds and error on the other file's rows; `out=FILE` takes the
/// predictions as raw single-precision numbers. For `Tests/Peers/training.py`.
enum TrainingFromFiles {
    private static let inputCount = 5

    static func run(_ arguments: [String]) throws {
        guard arguments.count >= 2 else { throw Fault("--train needs two files") }
        let train = try rows(arguments[0])
        let test = try rows(arguments[1])
        var settings = TrainingSettings()
        var members = 1
        var resamples = false
        var out: String?
        for argument in arguments.dropFirst(2) {
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw Fault("\(argument) should be NAME=VALUE") }
            switch parts[0] {
            case "shape":
                if parts[1] == "published" { settings = .publishedShape }
            case "members": members = Int(parts[1]) ?? 1
            case "resamples": resamples = parts[1] == "1"
            case "out": out = parts[1]
            default: try set(&settings, parts[0], parts[1])
            }
        }
        let start = seconds(CLOCK_MONOTONIC)
        let startOfWork = seconds(CLOCK_PROCESS_CPUTIME_ID)
        let set = try TrainingSet(
            inputs: train.inputs, outputs: train.outputs, inputCount: inputCount,
            outputCount: train.width, condition: train.condition)
        let ensemble = try NetworkEnsemble.train(
            set, settings: settings, members: members, resamples: resamples)
        let took = seconds(CLOCK_MONOTONIC) - start
        let worked = seconds(CLOCK_PROCESS_CPUTIME_ID) - startOfWork
        let (each, mean) = try ensemble.predict(rows: test.inputs)
        var sum = 0.0
        for (a, b) in zip(mean, test.outputs) { sum += Double(a - b) * Double(a - b) }
        let error = (sum / Double(mean.count)).squareRoot()
        if let out { try write(each.flatMap { $0 }, to: out) }
        print(
            "{\"seconds\":\(took),\"cpu_seconds\":\(worked),\"held_out_rmse\":\(error),"
                + "\"conditions\":\(set.count)}")
    }

    private static func set(
        _ settings: inout TrainingSettings, _ name: String, _ text: String
    ) throws {
        if name == "hidden" {
            settings.hidden = text.split(separator: "-").compactMap { Int($0) }
            return
        }
        guard let value = Double(text) else { throw Fault("\(name): \(text) is no number") }
        switch name {
        case "epochs": settings.epochs = Int(value)
        case "batch": settings.batch = Int(value)
        case "rate": settings.learningRate = value
        case "warm-up": settings.warmUpShare = value
        case "decay": settings.weightDecay = value
        case "noise": settings.inputNoise = value
        case "held-out": settings.heldOutShare = value
        case "patience": settings.patienceEpochs = Int(value)
        case "tolerance": settings.basisTolerance = value
        case "directions": settings.mostDirections = Int(value)
        case "seed": settings.seed = UInt64(value)
        default: throw Fault("no setting \(name)")
        }
    }

    private struct Fault: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private struct Rows {
        var condition: [Int] = []
        var inputs: [Float] = []
        var outputs: [Float] = []
        var width: Int { condition.isEmpty ? 0 : outputs.count / condition.count }
    }

    /// The numbers of a CSV file, its first line left out.
    private static func rows(_ path: String) throws -> Rows {
        guard let file = fopen(path, "r") else { throw Fault("cannot open \(path)") }
        defer { fclose(file) }
        var rows = Rows()
        var line = [CChar](repeating: 0, count: 1 << 16)
        var isFirst = true
        while fgets(&line, Int32(line.count), file) != nil {
            defer { isFirst = false }
            guard !isFirst else { continue }
            let numbers = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
                .split(whereSeparator: { $0 == "," || $0 == "\n" }).map { Float($0) ?? .nan }
            guard numbers.count > inputCount + 1, numbers[0].isFinite else {
                throw Fault("\(path): a row is too short")
            }
            rows.condition.append(Int(numbers[0]))
            rows.inputs += numbers[1...inputCount]
            rows.outputs += numbers[(inputCount + 1)...]
        }
        return rows
    }

    private static func write(_ numbers: [Float], to path: String) throws {
        guard let file = fopen(path, "w") else { throw Fault("cannot write \(path)") }
        defer { fclose(file) }
        guard fwrite(numbers, 4, numbers.count, file) == numbers.count else {
            throw Fault("cannot write \(path)")
        }
    }

    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
