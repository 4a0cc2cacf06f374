import Agent
import Configuration
import Glibc
import Quantities
import Rig
import RigSimulator
import RunLog
import Spectra
import World

/// `argent demo`: a whole campaign on a simulated rig, under the virtual clock.
enum DemoCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "demo",
            options: [
                "into", "seed", "runs", "batch", "chemistry", "target", "days", "listen",
            ], flags: ["json"])
        let json = arguments.flags.contains("json")
        let directory = arguments.values["into"] ?? DemoFiles.temporaryDirectory()
        var demo = try DemoFiles(directory: directory, arguments: arguments) { "/sim/" + $0 }
        let days = try DemoNights.days(arguments)
        if days != nil {
            demo.change { DemoNights.slow(&$0, listen: arguments.values["listen"], directory) }
        }
        try demo.refuseOldLog()

        let world = VirtualWorld()
        let rig = try DemoFiles.rig(demo.settings, start: world.now)
        for line in rig.lines { world.attach(path: line.path, peer: line.peer) }

        let progress = Progress(
            terminal: isatty(STDOUT_FILENO) == 1, runs: demo.settings.campaign.runs,
            batch: demo.settings.campaign.batch, dropletsWanted: demo.settings.rig.droplets,
            waits: true)
        if !json {
            Output.line("a simulated rig, \(demo.settings.pumps.count) pumps and a spectrometer;")
            Output.line("log and configuration go to \(directory)")
        }
        let began = RealTime.seconds
        let summary: Summary
        let job = try demo.job()
        do throws(AgentError) {
            summary = try VirtualCampaign.run(
                job, world: world, version: Argent.version, observer: json ? nil : progress,
                attendant: DemoAttendant(rig: rig, world: world),
                nights: try days.map { days throws(AgentError) in
                    try DemoNights.nights(days, of: job)
                })
        } catch { throw CommandFailure(.failure, "\(error)") }
        progress.finish()
        let took = RealTime.seconds - began
        if json {
            Output.line(SummaryText.json(summary, settings: demo.settings, seconds: took))
        } else {
            Output.raw(SummaryText.table(summary, settings: demo.settings, seconds: took))
        }
        guard summary.isComplete || days != nil else {
            throw CommandFailure(.failure, "the campaign did not get to its end: \(summary.ending)")
        }
    }
}

/// Stands in for the person who fills syringes: the demonstration's only operator.
final class DemoAttendant: Attendant {
    private let rig: SimulatedRig
    private let world: VirtualWorld

    init(rig: SimulatedRig, world: VirtualWorld) {
        self.rig = rig
        self.world = world
    }

    func attend(held reason: String) -> [OperatorCommand] {
        guard reason.hasPrefix("syringe ") else { return [] }
        for syringe in rig.syringes { syringe.refill(to: syringe.capacity, at: world.now) }
        return [.refilled(pumps: []), .resume]
    }
}

/// The files of a demonstration: configuration and target in one directory, and what is made
/// from them.
struct DemoFiles {
    let directory: String
    private(set) var settings: Settings
    private(set) var configurationText: String
    let target: TargetSpectrum
    private let targetText: String

    /// Writes configuration and target below `directory`, with every instrument at `path(name)`.
    init(
        directory: String, arguments: Arguments, path: (String) -> String
    ) throws(CommandFailure) {
        self.directory = directory
        var protocols = DemoSettings.Protocols.mixed
        if let name = arguments.values["protocol"] {
            guard let known = DemoSettings.Protocols(rawValue: name) else {
                throw CommandFailure(
                    .usage, "--protocol \(name): use new-era, harvard or mixed")
            }
            protocols = known
        }
        var settings = DemoSettings.make(protocols: protocols, path: path)
        if let seed = try arguments.seed("seed") {
            settings.campaign.seed = seed
            settings.simulation.seed = seed
        }
        if let runs = try arguments.integer("runs") { settings.campaign.runs = runs }
        if let batch = try arguments.integer("batch") { settings.campaign.batch = batch }
        settings.simulation.chemistryPath = arguments.values["chemistry"] ?? ""
        if let path = arguments.values["target"] {
            targetText = try InputFile.text(path)
        } else {
            targetText = Self.builtInTarget
        }
        do throws(SpectraError) { target = try TargetSpectrum.parse(targetText) } catch {
            throw CommandFailure(
                .badInput, "\(arguments.values["target"] ?? "target"): \(error)")
        }
        do throws(WorldError) {
            try Files.makeDirectories(directory)
            try Files.replace(directory + "/target.csv", with: Array(targetText.utf8))
        } catch { throw CommandFailure(.failure, "\(error)") }
        self.settings = settings
        configurationText = settings.explained
    }

    /// The wanted spectrum of the built-in prism chemistry, as CSV.
    static var builtInTarget: String {
        var text = "wavelength_nm,extinction\n"
        for point in PrismChemistry.targetSpectrum {
            text += "\(point.wavelength.nanometers),\(short(point.value))\n"
        }
        return text
    }

    /// A demonstration never goes on with somebody's log: the numbers would not be its own.
    func refuseOldLog() throws(CommandFailure) {
        if let name = LogDirectory.firstFile(in: directory) {
            throw CommandFailure(
                .failure,
                "\(directory)/\(name) is there already; choose another --into, or remove the log")
        }
        try writeConfiguration()
    }

    func writeConfiguration() throws(CommandFailure) {
        do throws(WorldError) {
            try Files.replace(directory + "/argent.toml", with: Array(configurationText.utf8))
        } catch { throw CommandFailure(.failure, "\(error)") }
    }

    /// The campaign.
    func job() throws(CommandFailure) -> CampaignJob {
        do throws(SpectraError) {
            return CampaignJob(
                settings: settings, configurationText: configurationText, targetText: targetText,
                loss: try Loss(target: target, settings: settings.loss),
                logDirectory: directory)
        } catch { throw CommandFailure(.badInput, "target: \(error)") }
    }

    /// Changes the rig before anything is made from it.
    mutating func change(_ body: (inout Settings) -> Void) {
        body(&settings)
        configurationText = settings.explained
    }

    /// The simulated rig of `settings`.
    static func rig(
        _ settings: Settings, start: Instant
    ) throws(CommandFailure) -> SimulatedRig {
        do {
            let chemistry = try Chemistries.make(settings: settings) {
                try? Files.read($0, limit: InputFile.sizeLimit)
            }
            return try SimulatedRig(settings: settings, chemistry: chemistry, start: start)
        } catch { throw CommandFailure(.badInput, "\(error)") }
    }

    /// A new folder below the system's temporary folder.
    static func temporaryDirectory() -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((base + "/argent-demo-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { return "argent-demo" }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Files a person names on the command line.
enum InputFile {
    /// Largest file that is read whole.
    static let sizeLimit = 256 * 1024 * 1024

    static func text(_ path: String) throws(CommandFailure) -> String {
        let bytes: [UInt8]
        do throws(WorldError) { bytes = try Files.read(path, limit: sizeLimit) } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure(.badInput, "\(path): not UTF-8 text")
        }
        return text
    }
}

/// The machine's own monotonic clock, for telling how long something took.
enum RealTime {
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
