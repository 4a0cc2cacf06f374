import Configuration
import Glibc
import World

/// The `argent` program: finds the verb, hands the rest of the line to it, and turns what goes
/// wrong into one clear line and a documented exit code.
@main
enum Argent {
    /// The program's version.
    static let version = "0.1.0"

    static func main() {
        if let complaint = ProcessorCheck.complaint {
            Output.error("argent: \(complaint)")
            exit(ExitCode.usage.rawValue)
        }
        // A reader that went away (`argent demo | head`) is no reason to leave pumps in doubt:
        // writes fail with EPIPE instead of killing the process.
        signal(SIGPIPE, SIG_IGN)
        // A parent may leave signals blocked; SIGTERM must always stop the pumps.
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        // `run` takes this back where the rig's thread is a real-time one (`Memory.keepHeap`).
        Memory.returnLargeBlocks()
        var words = Array(CommandLine.arguments.dropFirst())
        guard let verb = words.first else {
            Output.line(Help.overview)
            exit(ExitCode.usage.rawValue)
        }
        words.removeFirst()
        do throws(CommandFailure) {
            try run(verb, words)
        } catch {
            Output.error("argent: \(error.message)")
            exit(error.code.rawValue)
        }
        exit(ExitCode.success.rawValue)
    }

    /// Ends with `code` where there is nothing more to say.
    static func end(_ code: ExitCode) -> Never { exit(code.rawValue) }

    private static func run(_ verb: String, _ words: [String]) throws(CommandFailure) {
        if words.contains("--help") || words.contains("-h"), let text = Help.text(verb, words.first)
        {
            Output.line(text)
            return
        }
        switch verb {
        case "demo": try DemoCommand.run(words)
        case "run": try RunCommand.run(words)
        case "check": try CheckCommand.run(words)
        case "diff": try DiffCommand.run(words)
        case "status", "hold", "resume", "clear", "reload": try ControlCommand.run(verb, words)
        case "watch": try WatchCommand.run(words)
        case "support": try SupportCommand.run(words)
        case "probe": try ProbeCommand.run(words)
        case "safe": try SafeCommand.run(words)
        case "simulate": try SimulateCommand.run(words)
        case "pair": try PairCommand.run(words)
        case "loss": try LossCommand.run(words)
        case "suggest": try SuggestCommand.run(words)
        case "model": try ModelCommand.run(words)
        case "log": try LogCommand.run(words)
        case "--version", "version": Output.line("argent \(version)")
        case "--help", "-h": Output.line(Help.overview)
        case "help":
            Output.line(
                words.first.flatMap { Help.text($0, words.dropFirst().first) } ?? Help.overview)
        default:
            let near = Suggestion.nearest(to: verb, among: Help.verbs)
            let hint = near.map { "; did you mean `argent \($0)`?" } ?? "; see `argent --help`"
            throw CommandFailure(.usage, "there is no `argent \(verb)`\(hint)")
        }
    }
}

/// What a shell or a supervisor can tell from the exit code. Written down in `argent --help`.
enum ExitCode: Int32 {
    /// It did what was asked.
    case success = 0
    /// It was tried and went wrong; the message says how.
    case failure = 1
    /// The command line was wrong.
    case usage = 2
    /// The configuration or an input file is wrong.
    case badInput = 3
    /// No agent answers at the control socket, or another one holds the rig.
    case unavailable = 4
}

/// Why a command ends without having done what was asked.
struct CommandFailure: Error {
    let code: ExitCode
    let message: String

    init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }
}

/// Plain text out.
enum Output {
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }
    /// False when the reader went away.
    @discardableResult
    static func raw(_ text: String) -> Bool { write(text, to: STDOUT_FILENO) }
    static func error(_ text: String) { write(text + "\n", to: STDERR_FILENO) }
    static func errorRaw(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Whether standard output takes a line (a pipe: 4096 bytes) at once. True as well where
    /// writing would fail at once.
    static var isReady: Bool {
        var descriptor = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        return poll(&descriptor, 1, 0) > 0
    }

    @discardableResult
    private static func write(_ text: String, to descriptor: Int32) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }
}
