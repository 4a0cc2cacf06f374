import Foundation
import TestSupport
import Testing

/// A simulated rig on pseudo-terminals: `argent simulate` in a process of its own.
final class Simulation {
    let folder: TestFolder
    private let child: Child
    private let input: Int32

    /// Starts it and waits until it is ready.
    init(_ words: String...) throws {
        let folder = try TestFolder()
        var pipe: [Int32] = [0, 0]
        try #require(Glibc.pipe(&pipe) == 0)
        input = pipe[1]
        for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        child = try Child(
            Program.path, ["simulate", "--into", folder.path, "--quick"] + words, input: pipe[0],
            output: folder["simulation"], error: folder["simulation"])
        close(pipe[0])
        self.folder = folder
        try waitUntil("the simulation is ready", seconds: 10) { try told.contains("ready:") }
    }

    deinit { close(input) }

    var configuration: String { folder["argent.toml"] }
    /// The directory of the log.
    var log: String { folder.path }
    /// The segments' files and what is in them.
    var segments: [String: Data] {
        get throws {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            var found: [String: Data] = [:]
            for name in names where name.contains(".argent") {
                found[name] = try Data(contentsOf: URL(fileURLWithPath: folder[name]))
            }
            return found
        }
    }
    var told: String { get throws { try folder.text("simulation") } }

    /// Types `line` and waits for the answer.
    @discardableResult
    func type(_ line: String) throws -> String {
        let before = try told.count
        let bytes = Array((line + "\n").utf8)
        try #require(write(input, bytes, bytes.count) == bytes.count)
        try waitUntil("an answer to `\(line)`", seconds: 5) {
            try told.count > before && told.hasSuffix("\n")
        }
        return String(try told.dropFirst(before))
    }

    /// What every syringe really does, µL/min.
    func flows() throws -> [String: Double] {
        var flows: [String: Double] = [:]
        for line in try type("look").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 1, let flow = Double(words[1]) else {
                throw TooLate(description: "not understood: \(line)")
            }
            flows[String(words[0].dropLast())] = flow
        }
        return flows
    }

    /// Asks the agent of this rig; `words` start with the verb.
    func ask(_ words: String...) throws -> Program.Outcome {
        try Program.run(words + ["--socket", folder["control"]])
    }

    /// `argent status --json`; nil while no agent answers.
    func status() throws -> [String: Any]? {
        let told = try ask("status", "--json")
        guard told.code == 0 else { return nil }
        return try JSONSerialization.jsonObject(with: Data(told.out.utf8)) as? [String: Any]
    }

    /// Waits for a status that is as wanted, and returns it.
    @discardableResult
    func status(
        _ what: String, seconds: Double, where isWanted: ([String: Any]) -> Bool
    ) throws -> [String: Any] {
        var found: [String: Any] = [:]
        try waitUntil(what, seconds: seconds) {
            guard let status = try status(), isWanted(status) else { return false }
            found = status
            return true
        }
        return found
    }
}

/// `argent run` in a process of its own.
final class RunningAgent {
    private let child: Child
    private let printedTo: String
    private static let count = Counter()

    init(_ simulation: Simulation) throws {
        printedTo = simulation.folder["printed-\(Self.count.next())"]
        child = try Child(
            Program.path, ["run", "--config", simulation.configuration], output: printedTo,
            error: printedTo)
    }

    var isRunning: Bool { child.poll() == nil }
    var printed: String { get throws { try String(contentsOfFile: printedTo, encoding: .utf8) } }

    /// Files, sockets and the like that the process holds.
    var openDescriptors: Int {
        get throws {
            try FileManager.default.contentsOfDirectory(
                atPath: "/proc/\(child.identifier)/fd"
            ).count
        }
    }

    func send(_ signal: Int32) { kill(child.identifier, signal) }

    func end(_ signal: Int32) {
        send(signal)
        child.wait()
    }

    /// Waits for its end; its exit code, or minus the signal that killed it.
    func exitCode(within seconds: Double) throws -> Int32 {
        try waitUntil("the run ends", seconds: seconds) { !isRunning }
        return child.wait()
    }
}

/// Numbers for names.
final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    func next() -> Int {
        lock.withLock {
            value += 1
            return value
        }
    }
}

/// Something did not come about in time.
struct TooLate: Error, CustomStringConvertible {
    var description: String
}

/// Looks every 10 ms whether `condition` holds.
func waitUntil(_ what: String, seconds: Double, _ condition: () throws -> Bool) throws {
    let end = now() + seconds
    while try !condition() {
        guard now() < end else { throw TooLate(description: "\(what): not within \(seconds) s") }
        usleep(10_000)
    }
}

/// The machine's monotonic clock, s.
func now() -> Double { ProcessInfo.processInfo.systemUptime }
