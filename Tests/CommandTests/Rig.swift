import Foundation
import Testing

/// A simulated rig on pseudo-terminals: `argent simulate` in a process of its own.
final class Simulation {
    let folder: TestFolder
    private let process = Process()
    private let input = Pipe()

    /// Starts it and waits until it is ready.
    init(_ words: String...) throws {
        folder = try TestFolder()
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = ["simulate", "--into", folder.path, "--quick"] + words
        process.standardInput = input
        process.standardOutput = try folder.fileHandle("simulation")
        process.standardError = FileHandle.standardError
        try process.run()
        try waitUntil("the simulation is ready", seconds: 10) { try told.contains("ready:") }
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
    }

    var configuration: String { folder["argent.toml"] }
    var log: String { folder["run.argentlog"] }
    var told: String { get throws { try folder.text("simulation") } }

    /// Types `line` and waits for the answer.
    @discardableResult
    func type(_ line: String) throws -> String {
        let before = try told.count
        input.fileHandleForWriting.write(Data((line + "\n").utf8))
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
            let flow: Double? = Double(words[1])
            flows[String(words[0].dropLast())] = try #require(flow)
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
    private let process = Process()
    private let simulation: Simulation
    private let printedTo: String
    private static let count = Counter()

    init(_ simulation: Simulation) throws {
        self.simulation = simulation
        printedTo = "printed-\(Self.count.next())"
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = ["run", "--config", simulation.configuration]
        let out = try simulation.folder.fileHandle(printedTo)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = out
        process.standardError = out
        try process.run()
    }

    deinit { if process.isRunning { end(SIGKILL) } }

    var isRunning: Bool { process.isRunning }
    var printed: String { get throws { try simulation.folder.text(printedTo) } }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    func end(_ signal: Int32) {
        send(signal)
        process.waitUntilExit()
    }

    /// Waits for its end; its exit code, or minus the signal that killed it.
    func exitCode(within seconds: Double) throws -> Int32 {
        try waitUntil("the run ends", seconds: seconds) { !process.isRunning }
        return process.terminationReason == .exit
            ? process.terminationStatus : -process.terminationStatus
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
