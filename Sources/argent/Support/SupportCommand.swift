import Agent
import Configuration
import Export
import Quantities
import RunLog
import World

/// `argent support`: facts for whoever helps, in one file.
enum SupportCommand {
    /// Largest configuration file taken in.
    private static let fileLimit = 1 << 20

    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "support", options: ["output", "config", "socket", "events"])
        let events = Int(try arguments.integer("events") ?? 1_000)
        guard (0...1_000_000).contains(events) else {
            throw CommandFailure(.usage, "--events: 0 to 1000000")
        }
        let now = Clocks.wallTime
        let stamp = now.iso8601.filter { $0.isNumber || $0 == "T" }.prefix(15)
        let path = arguments.values["output"] ?? "argent-support-\(stamp)Z.tar.zst"
        var bundle = Bundle(time: now.unixNanoseconds / 1_000_000_000)
        gather(arguments, events, into: &bundle)
        let bytes = try bundle.compressed()
        do throws(WorldError) {
            let file = try OutputFile(path: path, mode: 0o600)
            try file.write(bytes)
            try file.finish()
        } catch { throw CommandFailure(.failure, "\(error)") }
        Output.line("written: \(path) (\(bytes.count) bytes): \(bundle.names.count) files")
        Output.line("look into it before you send it: tar -tf \(path)")
    }

    private static func gather(_ arguments: Arguments, _ events: Int, into bundle: inout Bundle) {
        let path = try? ConfigurationFile.path(arguments, orSay: "")
        var settings: Settings?
        if let path {
            configuration(path, into: &bundle)
            do throws(CommandFailure) {
                settings = try ConfigurationFile(path: path).settings()
            } catch { bundle.add("configuration/problems.txt", error.message + "\n") }
        } else {
            bundle.miss("configuration", "no --config, and none in /etc/argent")
        }
        let socket =
            arguments.values["socket"] ?? settings?.control.socket ?? ControlSettings().socket
        agent(socket, into: &bundle)
        let directory = settings?.log.directory ?? LogSettings().directory
        SupportLog.add(directory, events, to: &bundle)
        bundle.add("board.txt", BoardText.text(BoardFacts(BoardTree())))
        bundle.add("versions.txt", SupportFacts.versions(BoardTree()))
        bundle.add("unit.txt", SupportFacts.unit(BoardTree()))
        bundle.finish()
    }

    /// The configuration's files as they stand, broken or not.
    private static func configuration(_ path: String, into bundle: inout Bundle) {
        var files = [path]
        let dropIns = Files.parent(of: path) + "/argent.d"
        files += ((try? Files.list(dropIns)) ?? []).filter { $0.hasSuffix(".toml") }
            .map { dropIns + "/" + $0 }
        for file in files {
            let name = file.split(separator: "/").last.map(String.init) ?? "argent.toml"
            let place = file == path ? "configuration/\(name)" : "configuration/argent.d/\(name)"
            do throws(WorldError) {
                let bytes = try Files.read(file, limit: fileLimit)
                bundle.add(place, String(decoding: bytes, as: UTF8.self))
            } catch { bundle.miss(place, "\(error)") }
        }
    }

    /// What a running agent says.
    private static func agent(_ socket: String, into bundle: inout Bundle) {
        for (verb, name) in [("status", "status.json"), ("metrics", "metrics.prom")] {
            let request = JSONText.object { $0.member("command", verb) }
            do throws(CommandFailure) {
                let answer = try ControlCommand.ask(request, at: socket)
                let text = verb == "status" ? answer : JSONValue(answer.utf8)?["text"]?.string
                bundle.add(name, (text ?? answer) + "\n", byName: false)
            } catch { bundle.miss(name, error.message) }
        }
    }
}

/// Files on their way into the bundle. Every text goes through `Redaction`.
struct Bundle {
    private var tar = TarWriter()
    private let time: Int64
    private(set) var names: [String] = []
    private var missing: [String] = []

    init(time: Int64) { self.time = time }

    mutating func add(_ name: String, _ text: String, byName: Bool = true) {
        guard
            tar.add(
                "argent-support/" + name, Array(Redaction.clean(text, byName: byName).utf8),
                time: time)
        else { return miss(name, "its name is too long, or it is too large") }
        names.append(name)
    }

    /// Notes that `name` could not be had.
    mutating func miss(_ name: String, _ why: String) { missing.append("\(name): \(why)") }

    /// Adds the list of what is in it, and what is not.
    mutating func finish() {
        var text = "Made by `argent support` of argent \(Argent.version).\n\nIn it:\n"
        for name in names { text += "  \(name)\n" }
        text += "\nNot in it, because it could not be had:\n"
        for line in missing { text += "  \(line)\n" }
        if missing.isEmpty { text += "  nothing\n" }
        text += """

            Left out on purpose: keys and certificates, accepted peers, values of settings whose
            names sound secret, passwords in addresses, very long words, spectra and recipes.

            """
        add("README.txt", text)
    }

    func compressed() throws(CommandFailure) -> [UInt8] {
        guard let frame = ZstandardCompressor(level: 9).frame(tar.finished()) else {
            throw CommandFailure(.failure, "no memory to compress the bundle")
        }
        return frame
    }
}
