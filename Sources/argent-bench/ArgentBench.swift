import Glibc

/// `argent-bench [--list] [--seconds S] [PREFIX…]`: times every kernel and every job whose name
/// begins with one of the prefixes (all, without one), one JSON object per line.
@main
enum ArgentBench {
    /// All that can be timed.
    static var all: [Benchmark] {
        [
            linearAlgebraBenchmarks,
            floatBenchmarks,
            trainingBenchmarks,
            gaussianProcessBenchmarks,
            gridBenchmarks,
            explanationBenchmarks,
            dropletBenchmarks,
            quantizedBenchmarks,
            decisionBenchmarks,
            spectralBenchmarks,
            logBenchmarks,
        ].flatMap { $0 }
    }

    static func main() {
        var seconds = 1.0
        var prefixes: [String] = []
        var lists = false
        var arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "rig" {
            guard let bench = RigBench(arguments.dropFirst()) else { fail("\n" + RigBench.help) }
            do {
                guard try bench.run() else { exit(1) }
            } catch { fail("\(error)") }
            return
        }
        if arguments.first == "campaign" {
            guard let bench = CampaignBench(arguments.dropFirst()) else {
                fail("\n" + CampaignBench.help)
            }
            do { try bench.run() } catch { fail("\(error)") }
            return
        }
        if arguments.first == "spectra" {
            guard let bench = SpectralFile(arguments.dropFirst()) else {
                fail("\n" + SpectralFile.help)
            }
            do { try bench.run() } catch { fail("\(error)") }
            return
        }
        if arguments.first == "serve-segments" {
            do { try SegmentServer.run(Array(arguments.dropFirst())) } catch { fail("\(error)") }
            return
        }
        if arguments.first == "steps" {
            guard let bench = StepBench(arguments.dropFirst()) else { fail("\n" + StepBench.help) }
            do { try bench.run() } catch { fail("\(error)") }
            return
        }
        while let argument = arguments.popFirst() {
            switch argument {
            case "--list": lists = true
            case "--train":
                do {
                    return try TrainingFromFiles.run(Array(arguments))
                } catch { fail("\(error)") }
            case "--seconds":
                guard let text = arguments.popFirst(), let value = Double(text), value > 0 else {
                    fail("--seconds needs a number above 0")
                }
                seconds = value
            case "--help", "-h":
                print(
                    """
                    argent-bench [--list] [--seconds S] [PREFIX…]
                    Times kernels and jobs on one thread; prints one JSON object per line with
                    median, 10 % and 90 % quantile and minimum in nanoseconds. Pin it to a core
                    (taskset -c 1 argent-bench …) and compare only within one run.
                    """)
                return
            default:
                guard !argument.hasPrefix("-") else { fail("unknown option \(argument)") }
                prefixes.append(argument)
            }
        }
        let chosen = all.filter { benchmark in
            prefixes.isEmpty || prefixes.contains { benchmark.name.hasPrefix($0) }
        }
        guard !chosen.isEmpty else { fail("nothing is called so; --list shows the names") }
        let cpu = processorName()
        for benchmark in chosen {
            if lists {
                print(benchmark.name)
                continue
            }
            do {
                print(try benchmark.measure(seconds: seconds).json(cpu: cpu))
                fflush(nil)
            } catch {
                fail("\(benchmark.name): \(error)")
            }
        }
    }

    private static func fail(_ why: String) -> Never {
        let text = Array("argent-bench: \(why)\n".utf8)
        _ = write(STDERR_FILENO, text, text.count)
        exit(2)
    }

    /// The model name of the first processor, as the kernel gives it.
    private static func processorName() -> String {
        guard let file = fopen("/proc/cpuinfo", "r") else { return "unknown" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        while fgets(&line, 512, file) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("model name"), let colon = text.firstIndex(of: ":") else {
                continue
            }
            return String(text[text.index(after: colon)...].filter { $0 != "\n" && $0 != "\"" })
                .split(separator: " ").joined(separator: " ")
        }
        return "unknown"
    }
}
