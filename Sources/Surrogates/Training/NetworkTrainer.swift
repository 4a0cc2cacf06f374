import Glibc
import Numerics

/// Where a training stands.
public struct TrainingProgress: Equatable, Sendable {
    /// Epochs done.
    public let epoch: Int
    /// Root mean square error of the epoch's batches as they were seen, in units of the outputs,
    /// droplets counting alike.
    public let trainError: Double
    /// Root mean square error over the held-out conditions; nil where none are held out.
    public let heldOutError: Double?

    /// A place in a training.
    public init(epoch: Int, trainError: Double, heldOutError: Double?) {
        self.epoch = epoch
        self.trainError = trainError
        self.heldOutError = heldOutError
    }
}

/// What a training came to.
public struct TrainedNetwork: Equatable, Sendable {
    /// Why a training ended.
    public enum End: String, Equatable, Sendable {
        /// All epochs were done.
        case finished
        /// The held-out error no longer fell.
        case stoppedEarly
        /// The caller asked for it; it can be resumed.
        case interrupted
    }

    /// Takes raw recipes, gives raw outputs.
    public let network: DenseNetwork
    /// How the training went, every `evaluationEpochs`.
    public let history: [TrainingProgress]
    /// The held-out error of `network`; nil where no condition was held out.
    public let heldOutError: Double?
    /// Why it ended.
    public let end: End
}

/// Trains a dense stack with rectified linear units on mean squared error.
///
/// Same set, same settings and same seed give the same bits, whether or not the training was
/// saved and resumed in between. All randomness of an epoch comes from the seed and the epoch's
/// number, so that no generator has to be saved.
public final class NetworkTrainer {
    /// How it trains.
    public let settings: TrainingSettings
    /// Names of the conditions held out.
    public let heldOut: [Int]
    let scales: TrainingScales
    let stack: LayerStack
    let best: FloatBuffer
    var bestError = Double.infinity
    var bestEpoch = 0
    var epoch = 0
    var steps = 0
    var history: [TrainingProgress] = []
    let fit: PreparedSet
    let judged: PreparedSet

    /// A training of `set` that begins with random weights, or with those of `warmStart`, a
    /// network of raw units and the same sizes.
    public init(
        _ set: TrainingSet, settings: TrainingSettings = TrainingSettings(),
        warmStart: DenseNetwork? = nil
    ) throws(TrainingError) {
        try settings.check()
        let parts = try Self.split(set, settings)
        let chosen = set.choosing(parts.fit)
        self.settings = settings
        heldOut = parts.heldOut.map { set.names[$0] }
        scales = TrainingScales(
            chosen, tolerance: settings.basisTolerance, mostDirections: settings.mostDirections)
        fit = PreparedSet(chosen, scales)
        judged = PreparedSet(set.choosing(parts.heldOut), scales)
        let sizes = [set.inputCount] + settings.hidden + [scales.rank]
        let batch = min(settings.batch, chosen.count)
        stack = LayerStack(sizes: sizes, batch: batch)
        best = FloatBuffer(count: stack.parameters.count)
        if let warmStart {
            let wanted = [set.inputCount] + settings.hidden + [set.outputCount]
            guard [warmStart.inputCount] + warmStart.layers.map(\.outputs) == wanted else {
                throw .doesNotFit(what: "a network of other sizes")
            }
            stack.take(scales.scaled(warmStart))
        } else {
            var generator = SeededGenerator(seed: settings.seed).split("initial")
            stack.randomize(&generator)
        }
        best.copy(stack.parameters)
    }

    /// Conditions to fit and to judge by, as places in `set`.
    private static func split(
        _ set: TrainingSet, _ settings: TrainingSettings
    ) throws(TrainingError) -> (fit: [Int], heldOut: [Int]) {
        var places = Array(0..<set.count)
        var generator = SeededGenerator(seed: settings.seed).split("held out")
        generator.shuffle(&places)
        var away = Int((Double(set.count) * settings.heldOutShare).rounded())
        if settings.heldOutShare > 0 { away = max(away, 1) }
        guard set.count - away >= 2 else {
            throw .tooFew(conditions: set.count, needed: away + 2)
        }
        return (places[away...].sorted(), places[..<away].sorted())
    }

    /// Trains until all epochs are done, the held-out error stays, or `progress` (called every
    /// `evaluationEpochs`) returns false. Called again, it goes on where it stopped.
    public func train(
        progress: (TrainingProgress) -> Bool = { _ in true }
    ) throws(TrainingError) -> TrainedNetwork {
        var end = TrainedNetwork.End.finished
        while epoch < settings.epochs {
            if !judged.isEmpty, epoch - bestEpoch >= settings.patienceEpochs {
                end = .stoppedEarly
                break
            }
            let error = runEpoch()
            epoch += 1
            guard error.isFinite else { throw .diverged(epoch: epoch) }
            guard epoch % settings.evaluationEpochs == 0 || epoch == settings.epochs else {
                continue
            }
            let now = TrainingProgress(
                epoch: epoch, trainError: error, heldOutError: judgedError())
            history.append(now)
            keepBest(now)
            if !progress(now), epoch < settings.epochs {
                end = .interrupted
                break
            }
        }
        return try result(end)
    }

    private func keepBest(_ now: TrainingProgress) {
        guard let error = now.heldOutError else { return best.copy(stack.parameters) }
        guard error < bestError else { return }
        (bestError, bestEpoch) = (error, now.epoch)
        best.copy(stack.parameters)
    }

    private func result(_ end: TrainedNetwork.End) throws(TrainingError) -> TrainedNetwork {
        let weights = judged.isEmpty ? stack.parameters : best
        do {
            let network = try scales.unscaled(stack.layers(of: weights))
            return TrainedNetwork(
                network: network, history: history,
                heldOutError: judged.isEmpty ? nil : bestError, end: end)
        } catch { throw .doesNotFit(what: "the saved state") }
    }

    /// One pass over the conditions; the error as it was seen.
    private func runEpoch() -> Double {
        var generator = SeededGenerator(seed: settings.seed).split("epoch", epoch)
        var order = Array(0..<fit.count)
        generator.shuffle(&order)
        let batches = (fit.count + settings.batch - 1) / settings.batch
        let total = settings.epochs * batches
        var sum = 0.0
        for index in 0..<batches {
            // Batches of nearly one size: a last one of one or two would count too much.
            let from = index * fit.count / batches
            let to = (index + 1) * fit.count / batches
            let columns = stack.padded(to - from)
            load(order[from..<to], columns, &generator)
            stack.forward(columns: columns)
            sum += slopes(order[from..<to], columns)
            stack.backward(columns: columns)
            steps += 1
            stack.step(
                number: steps, rate: rate(step: steps, of: total), decay: settings.weightDecay)
        }
        return (sum / fit.totalWeight + fit.outside).squareRoot() * fit.unit
    }

    private func rate(step: Int, of total: Int) -> Double {
        let rising = max(1, (Double(total) * settings.warmUpShare).rounded())
        let least = settings.finalRateShare
        if Double(step) <= rising { return settings.learningRate * Double(step) / rising }
        let share = min(1, (Double(step) - rising) / max(1, Double(total) - rising))
        return settings.learningRate * (least + (1 - least) * 0.5 * (1 + cos(.pi * share)))
    }

    private func load(
        _ chosen: ArraySlice<Int>, _ columns: Int, _ generator: inout SeededGenerator
    ) {
        let width = stack.sizes[0]
        for (column, row) in chosen.enumerated() {
            for input in 0..<width {
                var value = fit.inputs[row * width + input]
                if settings.inputNoise > 0 {
                    value += Float(generator.normal() * settings.inputNoise)
                }
                stack.inputs[input * stack.capacity + column] = value
            }
        }
        for column in chosen.count..<columns {
            for input in 0..<width { stack.inputs[input * stack.capacity + column] = 0 }
        }
    }

    /// The derivatives of the batch's mean squared error; returns its weighted sum of squares.
    private func slopes(_ chosen: ArraySlice<Int>, _ columns: Int) -> Double {
        let rank = scales.rank
        let scale = 2 / (Float(chosen.count) * fit.meanWeight * Float(rank))
        var sum = 0.0
        for output in 0..<rank {
            let given = stack.outputs + output * stack.capacity
            let slope = stack.outputSlopes + output * stack.capacity
            for (column, row) in chosen.enumerated() {
                let off = given[column] - fit.outputs[row * rank + output]
                let weighted = off * fit.weights[row]
                sum += Double(off) * Double(weighted)
                slope[column] = weighted * scale
            }
            for column in chosen.count..<columns { slope[column] = 0 }
        }
        return sum
    }

    /// Root mean square error over the held-out conditions, outputs' units.
    private func judgedError() -> Double? {
        guard !judged.isEmpty else { return nil }
        let (width, rank) = (stack.sizes[0], scales.rank)
        var sum = 0.0
        for first in stride(from: 0, to: judged.count, by: stack.capacity) {
            let count = min(stack.capacity, judged.count - first)
            let columns = stack.padded(count)
            for column in 0..<columns {
                for input in 0..<width {
                    stack.inputs[input * stack.capacity + column] =
                        column < count ? judged.inputs[(first + column) * width + input] : 0
                }
            }
            stack.forward(columns: columns)
            for column in 0..<count {
                for output in 0..<rank {
                    let given = stack.outputs[output * stack.capacity + column]
                    let off = Double(given - judged.outputs[(first + column) * rank + output])
                    sum += off * off
                }
            }
        }
        return (sum / Double(judged.count) + judged.outside).squareRoot() * judged.unit
    }
}
