import Numerics

/// One thing that must survive any input: how to make the inputs, and what to do with one.
struct Fuzzer: Sendable {
    /// `area/what`, e.g. `journal/reader`.
    var name: String
    /// Bytes the resident memory may grow by over the whole of it.
    var memoryLimit = 64 << 20
    /// Readies what all inputs share (the originals that are mutated) and returns the two steps.
    var make: @Sendable () throws -> Trial

    /// The two steps of one input. The generator is that of the input alone, so that name, seed
    /// and index give the same input, and the same run of it, at any time.
    struct Trial {
        /// Makes an input.
        var input: (inout SeededGenerator) -> [UInt8]
        /// Gives it to what is tested. Throws `FuzzFailure` when a promise is broken; typed
        /// errors of the tested code are caught here and are `refused`.
        var run: ([UInt8], inout SeededGenerator) throws -> FuzzOutcome
        /// What else there is to say after all inputs.
        var tally: (() -> String)?
    }

    /// The generator of the input at `index` under `seed`.
    func generator(seed: UInt64, index: Int) -> SeededGenerator {
        SeededGenerator(seed: seed).split(name, index)
    }
}

/// What became of one input.
enum FuzzOutcome: Sendable {
    /// It was understood.
    case accepted
    /// It was turned down with a typed error.
    case refused
}

/// A broken promise: what was expected and what came instead.
struct FuzzFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// What came of the inputs of one fuzzer.
struct FuzzSummary: Sendable {
    var name: String
    var seed: UInt64
    var inputs = 0
    var accepted = 0
    var refused = 0
    /// Bytes of all inputs together.
    var bytes = 0
    /// The first broken promise, and the index of its input.
    var failure: (index: Int, what: String)?
    var seconds = 0.0
    /// Longest time one input took, and its index.
    var slowest = (index: 0, seconds: 0.0)
    /// Growth of the resident memory at its peak, bytes.
    var memory = 0
    /// What the fuzzer itself says of them.
    var tally = ""

    /// One line for people.
    var text: String {
        let rate = seconds > 0 ? Int(Double(inputs) / seconds) : 0
        let end =
            failure.map { "FAILED at \($0.index): \($0.what)" }
            ?? "passed"
        return "\(name): \(inputs) inputs (\(bytes) bytes), \(accepted) accepted, "
            + "\(refused) refused, \(tenths(seconds)) s, \(rate)/s, slowest "
            + "\(tenths(slowest.seconds * 1e3)) ms (input \(slowest.index)), memory "
            + "+\(memory >> 10) KiB: \(end)" + (tally.isEmpty ? "" : "\n  \(tally)")
    }

    private func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
