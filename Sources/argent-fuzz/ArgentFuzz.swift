import Glibc

/// `argent-fuzz [--seed N] [--count N] [--seconds S] NAME…`: gives every reader whose name begins
/// with one of the names (all, without one) seeded, broken inputs.
@main
enum ArgentFuzz {
    /// All that can be fuzzed: one list per file.
    static var all: [Fuzzer] {
        [
            journalFuzzers,
            segmentFuzzers,
            spectralFuzzers,
            syncFuzzers,
            interlockFuzzers,
            configurationFuzzers,
        ].flatMap { $0 }
    }

    /// What the command line asks for.
    private struct Request {
        var campaign = FuzzCampaign(progressSeconds: 10)
        var prefixes: [String] = []
        var limitSeconds = 10
        var lists = false
        /// One input alone.
        var at: Int?
        /// Where to write that input.
        var save: String?
    }

    static func main() {
        let words = CommandLine.arguments.dropFirst()
        if words.first == "crash" {
            do { return try CrashCommand.run(words.dropFirst()) } catch { fail("\(error)") }
        }
        let request = parse(CommandLine.arguments.dropFirst())
        let chosen = all.filter { fuzzer in
            request.prefixes.isEmpty || request.prefixes.contains { fuzzer.name.hasPrefix($0) }
        }
        guard !chosen.isEmpty else { fail("nothing is called so; --list shows the names") }
        if request.lists { return chosen.forEach { print($0.name) } }
        Watchdog.start(limitSeconds: request.limitSeconds)
        var failed = false
        for fuzzer in chosen {
            do {
                if let index = request.at, let path = request.save {
                    try save(fuzzer, request, index, path)
                }
                let summary = try request.campaign.run(fuzzer, from: request.at ?? 0)
                print(summary.text)
                fflush(nil)
                guard let failure = summary.failure else { continue }
                failed = true
                print(
                    "again: argent-fuzz --seed \(summary.seed) --at \(failure.index) "
                        + "\(fuzzer.name)")
            } catch { fail("\(fuzzer.name) cannot begin: \(error)") }
        }
        if failed { exit(1) }
    }

    private static func parse(_ arguments: ArraySlice<String>) -> Request {
        var arguments = arguments
        var request = Request()
        func number<Value: LosslessStringConvertible & Comparable>(
            _ option: String, least: Value
        ) -> Value {
            guard let text = arguments.popFirst(), let value = Value(text), value >= least else {
                fail("\(option) needs a number, \(least) or more")
            }
            return value
        }
        while let argument = arguments.popFirst() {
            switch argument {
            case "--list": request.lists = true
            case "--seed": request.campaign.seed = number(argument, least: 0)
            case "--count": request.campaign.count = number(argument, least: 1)
            case "--seconds": request.campaign.seconds = number(argument, least: 0)
            case "--limit": request.limitSeconds = number(argument, least: 1)
            case "--at":
                request.at = number(argument, least: 0)
                request.campaign.count = 1
            case "--save":
                guard let path = arguments.popFirst() else { fail("--save needs a path") }
                request.save = path
            case "--help", "-h":
                print(help)
                exit(0)
            default:
                guard !argument.hasPrefix("-") else { fail("unknown option \(argument)") }
                request.prefixes.append(argument)
            }
        }
        guard request.save == nil || request.at != nil else { fail("--save goes with --at") }
        return request
    }

    private static let help = """
        argent-fuzz [--list] [--seed N] [--count N] [--seconds S] [--limit S] [NAME…]
        argent-fuzz [--seed N] --at INDEX [--save FILE] NAME
        argent-fuzz crash [--records N] [--seed N] [--stride N] [--only cuts|flips|faults]
        Gives readers broken inputs: --count of them each (10000), or fewer when --seconds are
        over first. Name, seed and index make the input: --at repeats one alone, --save writes
        it to a file. An input that crashes the program, takes longer than --limit (10 s),
        breaks a promise or makes memory grow too far is named; the exit code is then not 0.
        """

    private static func save(
        _ fuzzer: Fuzzer, _ request: Request, _ index: Int, _ path: String
    ) throws {
        var random = fuzzer.generator(seed: request.campaign.seed, index: index)
        let input = try fuzzer.make().input(&random)
        guard let file = fopen(path, "w") else { fail("\(path) cannot be written") }
        defer { fclose(file) }
        guard fwrite(input, 1, input.count, file) == input.count else {
            fail("\(path) cannot be written")
        }
    }

    private static func fail(_ why: String) -> Never {
        let text = Array("argent-fuzz: \(why)\n".utf8)
        _ = write(STDERR_FILENO, text, text.count)
        exit(2)
    }
}
