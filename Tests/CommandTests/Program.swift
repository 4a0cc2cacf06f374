import Foundation
import TestSupport
import Testing

/// The built program, run as a shell would run it.
struct Program {
    /// What a run of it left behind.
    struct Outcome {
        var code: Int32
        var out: String
        var err: String
    }

    /// The executable beside the test bundle: both are products of the same build.
    static let path: String = {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().path + "/argent"
    }()

    /// What the program is started through, for a build of another processor: the words of
    /// `ARGENT_TEST_RUNNER`, none where it is not set.
    static let runner: [String] = {
        guard let words = getenv("ARGENT_TEST_RUNNER") else { return [] }
        return String(cString: words).split(separator: " ").map(String.init)
    }()

    /// Runs `argent words` to its end. Output goes to files: a pipe nobody empties would stop it.
    static func run(_ words: String...) throws -> Outcome { try run(words) }

    static func run(_ words: [String]) throws -> Outcome { try run(at: path, words) }

    /// Runs another program of the same build.
    static func run(at path: String, _ words: [String]) throws -> Outcome {
        let folder = try TestFolder()
        let child = try Child(
            path, words, output: folder["out"], error: folder["err"])
        return Outcome(
            code: child.wait(), out: try folder.text("out"), err: try folder.text("err"))
    }
}

/// A process of its own, with output into files. (Foundation's waits on a run loop, which a test
/// thread does not have.)
final class Child {
    let identifier: pid_t
    private var code: Int32?

    /// Starts `path words`; with `input` that descriptor becomes its standard input.
    init(
        _ path: String, _ words: [String], input: Int32? = nil, output: String, error: String
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        let flags = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 1, output, flags, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, error, flags, 0o600)
        // Made here as well: an emulated start may return before the child has opened anything.
        for name in [output, error] { close(open(name, flags, 0o600)) }
        let line = (path.hasPrefix(Program.path) ? Program.runner : []) + [path] + words
        var arguments: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var identifier: pid_t = 0
        let result = posix_spawn(&identifier, line[0], &actions, nil, arguments, environ)
        try #require(result == 0, "\(line[0]): \(String(cString: strerror(result)))")
        self.identifier = identifier
    }

    deinit {
        if code == nil {
            kill(identifier, SIGKILL)
            wait()
        }
    }

    /// The exit code, or minus the signal that ended it; nil while it runs.
    func poll() -> Int32? { look(WNOHANG) }

    /// Waits for the end; the exit code, or minus the signal that ended it.
    @discardableResult
    func wait() -> Int32 { look(0) ?? -1 }

    private func look(_ options: Int32) -> Int32? {
        if let code { return code }
        var status: Int32 = 0
        var found: pid_t
        repeat { found = waitpid(identifier, &status, options) } while found < 0 && errno == EINTR
        guard found == identifier else { return nil }
        let signal = status & 0x7F
        code = signal == 0 ? (status >> 8) & 0xFF : -signal
        return code
    }
}
