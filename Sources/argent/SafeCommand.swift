import Agent
import Configuration
import Quantities
import World

/// `argent safe`: brings a rig to rest that no agent holds. Meant for `ExecStopPost=` and for
/// people. It ends within its time, whatever the instruments do.
enum SafeCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "safe", options: ["config", "seconds", "state"], flags: ["quiet"])
        guard let path = arguments.values["config"] else {
            throw CommandFailure(.usage, "use: argent safe --config FILE [--seconds N]")
        }
        let seconds = try arguments.number("seconds", in: 0.1...600)
        let limit = seconds.map { TimeSpan.seconds($0) } ?? SafeState.usualLimit
        // A configuration that was broken since the start is no reason to leave pumps running.
        let settings = try StartConfiguration.settings(path, arguments)
        let lock = try claim(settings)
        defer { withExtendedLifetime(lock) {} }
        let results = try reach(settings, within: limit)
        if !arguments.flags.contains("quiet") {
            for result in results { Output.line(text(result)) }
        }
        let missing = results.filter { !$0.isSafe }
        guard missing.isEmpty else {
            let names = missing.map(\.instrument).joined(separator: ", ")
            throw CommandFailure(
                .failure,
                "not confirmed safe: \(names); look at them, cut their power if they run")
        }
    }

    private static func reach(
        _ settings: Settings, within limit: TimeSpan
    ) throws(CommandFailure) -> [SafeState.Result] {
        let world: RealWorld
        do throws(WorldError) { world = try RealWorld() } catch {
            throw CommandFailure(.failure, "\(error)")
        }
        do throws(AgentError) {
            return try SafeState.reach(settings, world: world, within: limit)
        } catch { throw CommandFailure(.badInput, "\(error)") }
    }

    /// The lock of an agent, so that none speaks on the lines meanwhile. A lock that cannot be
    /// had for another reason than an agent (a dead disk) keeps nobody from stopping pumps.
    private static func claim(_ settings: Settings) throws(CommandFailure) -> InstanceLock? {
        do throws(WorldError) {
            return try InstanceLock(path: settings.log.directory + "/lock")
        } catch {
            if case .busy = error {
                throw CommandFailure(
                    .unavailable,
                    "an agent holds this rig; use `argent hold`, or end it first "
                        + "(\(settings.log.directory)/lock)")
            }
            Output.error("argent: going on without the lock: \(error)")
            return nil
        }
    }

    private static func text(_ result: SafeState.Result) -> String {
        let mark = result.isSafe ? "safe  " : "UNSAFE"
        return "\(mark) \(result.instrument): \(result.text) (\(result.after.inWords))"
    }
}
