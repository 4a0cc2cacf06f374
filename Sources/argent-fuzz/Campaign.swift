import Glibc
import Numerics

/// Gives one fuzzer its inputs, one after the other.
struct FuzzCampaign {
    var seed: UInt64 = 1
    /// Inputs to try; without a limit of time.
    var count = 10_000
    /// Stops after this time as well, when it is above 0.
    var seconds = 0.0
    /// Seconds from one line of progress to the next; 0 for none.
    var progressSeconds = 0.0
    /// Whether memory is looked at: it is the whole process's, so only where nothing else runs.
    var watchesMemory = true

    /// Inputs between two looks at the peak of memory; a look is a system call.
    private static let memoryInterval = 64

    /// Runs `fuzzer` over the inputs from `first` on, up to the first broken promise.
    func run(_ fuzzer: Fuzzer, from first: Int = 0) throws -> FuzzSummary {
        var summary = FuzzSummary(name: fuzzer.name, seed: seed)
        let trial = try fuzzer.make()
        Watchdog.enter(fuzzer.name, seed: seed)
        ResidentMemory.resetPeak()
        let memory = ResidentMemory.peak
        let start = Self.now
        var last = start
        var shown = start
        for index in first..<(first + count) {
            Watchdog.input(index)
            step(fuzzer, trial, index, &summary)
            let time = Self.now
            if time - last > summary.slowest.seconds { summary.slowest = (index, time - last) }
            last = time
            if summary.inputs % Self.memoryInterval == 0 || summary.inputs == count {
                summary.memory = max(summary.memory, ResidentMemory.peak - memory)
                if watchesMemory, summary.memory > fuzzer.memoryLimit, summary.failure == nil {
                    summary.failure = (
                        index,
                        "memory grew by \(summary.memory) bytes, \(fuzzer.memoryLimit) are "
                            + "allowed, in this input or the \(Self.memoryInterval) before it"
                    )
                }
            }
            if summary.failure != nil { break }
            if seconds > 0, time - start >= seconds { break }
            if progressSeconds > 0, time - shown >= progressSeconds {
                shown = time
                print("\(fuzzer.name): \(summary.inputs) inputs")
                fflush(nil)
            }
        }
        summary.seconds = Self.now - start
        summary.tally = trial.tally?() ?? ""
        return summary
    }

    private func step(
        _ fuzzer: Fuzzer, _ trial: Fuzzer.Trial, _ index: Int, _ summary: inout FuzzSummary
    ) {
        var random = fuzzer.generator(seed: seed, index: index)
        let input = trial.input(&random)
        summary.inputs += 1
        summary.bytes += input.count
        do {
            switch try trial.run(input, &random) {
            case .accepted: summary.accepted += 1
            case .refused: summary.refused += 1
            }
        } catch {
            summary.failure = (index, "\(error)")
        }
    }

    /// Monotonic time, seconds.
    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
