import Numerics

extension NetworkTrainer {
    /// Everything that is needed to go on later and come to the same bits: parameters, Adam's
    /// moments, the best parameters so far, counters and history. Settings and data are not in
    /// it, only their fingerprint.
    public func state() -> Safetensors {
        func tensor(_ buffer: FloatBuffer) -> Tensor {
            Tensor(shape: [buffer.count], values: buffer.values.map { Double($0) })
        }
        let counters = [Double(epoch), Double(steps), Double(bestEpoch), bestError]
        let past = history.flatMap { [Double($0.epoch), $0.trainError, $0.heldOutError ?? .nan] }
        return Safetensors(
            tensors: [
                "parameters": tensor(stack.parameters),
                "first_moments": tensor(stack.firstMoments),
                "second_moments": tensor(stack.secondMoments),
                "best": tensor(best),
                "counters": Tensor(shape: [4], element: .float64, values: counters),
                "history": Tensor(shape: [history.count, 3], element: .float64, values: past),
            ], metadata: ["training": fingerprint])
    }

    /// A training that goes on where `state` was taken. `set` and `settings` must be
    /// those it began with, `epochs` too, because the learning rate follows from it; throws
    /// `doesNotFit` otherwise. A warm start is in the state.
    public convenience init(
        _ set: TrainingSet, settings: TrainingSettings, resuming state: Safetensors
    ) throws(TrainingError) {
        try self.init(set, settings: settings)
        guard state.metadata["training"] == fingerprint else {
            throw .doesNotFit(what: "the saved state")
        }
        try restore(stack.parameters, "parameters", from: state)
        try restore(stack.firstMoments, "first_moments", from: state)
        try restore(stack.secondMoments, "second_moments", from: state)
        try restore(best, "best", from: state)
        guard let counters = state.tensors["counters"]?.values, counters.count == 4,
            let past = state.tensors["history"]?.values, past.count % 3 == 0,
            let epoch = Int(exactly: counters[0]), (0...settings.epochs).contains(epoch),
            let steps = Int(exactly: counters[1]), steps >= epoch,
            let bestEpoch = Int(exactly: counters[2]), (0...epoch).contains(bestEpoch),
            !counters[3].isNaN
        else { throw .doesNotFit(what: "the saved state's counters") }
        (self.epoch, self.steps) = (epoch, steps)
        (self.bestEpoch, bestError) = (bestEpoch, counters[3])
        for place in Swift.stride(from: 0, to: past.count, by: 3) {
            guard let then = Int(exactly: past[place]) else {
                throw .doesNotFit(what: "the saved state's history")
            }
            history.append(
                TrainingProgress(
                    epoch: then, trainError: past[place + 1],
                    heldOutError: past[place + 2].isNaN ? nil : past[place + 2]))
        }
    }

    private func restore(
        _ buffer: FloatBuffer, _ name: String, from state: Safetensors
    ) throws(TrainingError) {
        guard let values = state.tensors[name]?.values, values.count == buffer.count else {
            throw .doesNotFit(what: "the saved state's \(name)")
        }
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw .notFinite(what: "the saved state's \(name)", row: bad)
        }
        for (index, value) in values.enumerated() { buffer.base[index] = Float(value) }
    }

    /// A number for the settings and for all data, as text (FNV-1a, 64 bits).
    private var fingerprint: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ value: UInt64) { hash = (hash ^ value) &* 0x0000_0100_0000_01B3 }
        for byte in "\(settings)".utf8 { add(UInt64(byte)) }
        for part in [fit, judged] {
            for values in [part.inputs, part.outputs, part.weights] {
                add(UInt64(values.count))
                for value in values { add(UInt64(value.bitPattern)) }
            }
        }
        for values in [scales.inputMeans, scales.inputDeviations, scales.outputMean] {
            for value in values { add(UInt64(value.bitPattern)) }
        }
        return String(hash, radix: 16)
    }
}
