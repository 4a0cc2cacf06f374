import Agent
import Configuration
import Glibc
import Quantities
import RigSimulator
import World

/// `argent simulate`: a simulated rig in real time, on pseudo-terminals.
enum SimulateCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "simulate",
            options: [
                "config", "into", "seed", "runs", "batch", "chemistry", "target", "protocol",
            ], flags: ["bench", "quick"])
        if arguments.flags.contains("bench") { return try PumpBench.run() }
        let directory = absolute(arguments.values["into"] ?? DemoFiles.temporaryDirectory())
        let devices = directory + "/dev"
        do throws(WorldError) { try Files.makeDirectories(devices) } catch {
            throw CommandFailure(.failure, "\(error)")
        }
        let settings: Settings
        let rig: SimulatedRig
        if let path = arguments.values["config"] {
            settings = try ConfigurationFile(path: path).settings()
            rig = try DemoFiles.rig(settings, start: PtyServer.now)
        } else {
            var files = try DemoFiles(directory: directory, arguments: arguments) {
                devices + "/" + $0
            }
            files.change { settings in
                settings.log.directory = directory
                settings.control.socket = directory + "/control"
                settings.sync.identity = directory + "/identity"
                if arguments.flags.contains("quick") { DemoSettings.hurry(&settings) }
            }
            try files.writeConfiguration()
            settings = files.settings
            rig = try DemoFiles.rig(settings, start: PtyServer.now)
            Output.line("configuration: \(directory)/argent.toml")
        }
        try serve(rig, settings: settings, devices: devices, directory: directory)
    }

    /// `path` from the root on: a configuration names no place relative to where it is read.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
        defer { free(here) }
        return String(cString: here) + "/" + path
    }

    private static func serve(
        _ rig: SimulatedRig, settings: Settings, devices: String, directory: String
    ) throws(CommandFailure) {
        let ports = rig.lines.map { PtyServer.Port(name: $0.name, peer: $0.peer) }
        do throws(WorldError) {
            let waker = try WakeHandle()
            try StopSignal.install(waking: [waker])
            let server = try PtyServer(ports, linkDirectory: devices)
            for (index, line) in rig.lines.enumerated() {
                Output.line("\(line.name) \(server.path(index))")
            }
            Output.line("ready: argent run --config \(directory)/argent.toml")
            var operatorInput = StandardInput()
            var isDone = false
            while !isDone, StopSignal.received == nil {
                server.step(until: PtyServer.now + .milliseconds(50))
                for line in operatorInput.lines() {
                    if line == "quit" {
                        isDone = true
                    } else if line == "look" {
                        Output.raw(look(rig, settings))
                    } else {
                        Output.line(obey(line, rig, settings, server))
                    }
                }
            }
        } catch { throw CommandFailure(.failure, "\(error)") }
    }

    /// What every syringe really does at the moment, whatever its pump says about it.
    private static func look(_ rig: SimulatedRig, _ settings: Settings) -> String {
        let now = PtyServer.now
        var text = ""
        for pump in settings.pumps {
            guard let syringe = rig.syringe(pump.name) else { continue }
            let flow = syringe.flow(at: now).microlitersPerMinute
            text += "\(pump.name): \(short(flow)) uL/min, "
            text += "\(short(syringe.remaining(at: now).microliters / 1_000)) mL left\n"
        }
        return text
    }

    /// Does what a person typed; returns what to tell them.
    private static func obey(
        _ text: String, _ rig: SimulatedRig, _ settings: Settings, _ server: PtyServer
    ) -> String {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 2, let verb = words.first, let name = words.last else {
            return "use: unplug|plug|cut|mend|stall|free|silence|refill NAME, look, or quit"
        }
        guard let line = rig.line(of: name, in: settings) else {
            return "no instrument is called \(name)"
        }
        let syringe = rig.syringe(name)
        switch verb {
        case "unplug": server.unplug(line)
        case "plug":
            do throws(WorldError) { try server.replug(line) } catch { return "\(error)" }
        case "cut": server.setCut(true, line)
        case "mend": server.setCut(false, line)
        case "stall": syringe?.setFault(.stalled, at: PtyServer.now)
        case "silence": syringe?.setFault(.silent, at: PtyServer.now)
        case "free": syringe?.setFault(.none, at: PtyServer.now)
        case "refill": syringe.map { $0.refill(to: $0.capacity, at: PtyServer.now) }
        default: return "there is no `\(verb)` here"
        }
        return "done: \(verb) \(name)"
    }
}

/// Four single pumps for other people's clients, without a rig around them.
enum PumpBench {
    static func run() throws(CommandFailure) {
        func drive() -> SyringeDrive {
            SyringeDrive(
                diameter: Length(millimeters: 14.43), capacity: Volume(microliters: 10_000),
                contents: Volume(microliters: 10_000))
        }
        let ports = [
            PtyServer.Port(name: "new-era-basic", peer: SimulatedNewEra(drive: drive())),
            PtyServer.Port(name: "new-era-safe", peer: SimulatedNewEra(drive: drive())),
            PtyServer.Port(
                name: "harvard", peer: SimulatedHarvard(drive: drive(), address: 3)),
            PtyServer.Port(
                name: "legato", peer: SimulatedHarvard(drive: drive(), model: .legato)),
        ]
        let directory = DemoFiles.temporaryDirectory()
        do throws(WorldError) {
            let waker = try WakeHandle()
            try StopSignal.install(waking: [waker])
            let server = try PtyServer(ports, linkDirectory: directory)
            for (index, port) in ports.enumerated() {
                Output.line("\(port.name) \(server.path(index))")
            }
            while StopSignal.received == nil {
                server.step(until: PtyServer.now + .milliseconds(100))
            }
        } catch { throw CommandFailure(.failure, "\(error)") }
    }
}

/// Lines a person types, without waiting for them.
struct StandardInput {
    private var pending: [UInt8] = []
    private var isOpen = true
    /// Longest line kept.
    private static let lineLimit = 1_024

    mutating func lines() -> [String] {
        var found: [String] = []
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        while isOpen, poll(&descriptor, 1, 0) > 0 {
            var piece = [UInt8](repeating: 0, count: 256)
            let count = read(STDIN_FILENO, &piece, piece.count)
            guard count > 0 else {
                isOpen = false
                break
            }
            pending += piece[..<count]
            if pending.count > Self.lineLimit { pending.removeAll() }
        }
        while let end = pending.firstIndex(of: 0x0A) {
            found.append(String(decoding: pending[..<end], as: UTF8.self))
            pending.removeFirst(end + 1)
        }
        return found
    }
}
