import Glibc
import Campaign
import Configuration
import Quantities
import Rig
import RigSimulator
import RunLog
import Spectra
import World

@testable import Agent

/// A small simulated rig under the virtual clock, through the real protocols: three pumps of
/// both families and a spectrometer.
final class VirtualRig {
    let world: VirtualWorld
    let simulated: SimulatedRig
    let settings: Settings
    private let target: TargetSpectrum

    static func settings(seed: UInt64) -> Settings {
        var settings = Settings()
        settings.campaign.seed = seed
        settings.campaign.runs = 2
        settings.campaign.batch = 3
        settings.campaign.lossThreshold = 0.001
        settings.simulation.seed = seed
        settings.simulation.dropletVolume = Volume(microliters: 6)
        settings.variables = [
            VariableSettings(
                name: "Q_AgNO3", kind: .reagentPercent(pump: "AgNO3"), low: 4, high: 20,
                lowLimit: 0.5, highLimit: 80),
            VariableSettings(
                name: "Q_seed", kind: .reagentPercent(pump: "seeds"), low: 4, high: 20,
                lowLimit: 0.5, highLimit: 80),
            VariableSettings(
                name: "Q_tot", kind: .totalFlow, low: 300, high: 900, lowLimit: 200,
                highLimit: 1_000),
        ]
        settings.pumps = ["AgNO3", "seeds", "solvent", "oil"].map { name in
            var pump = PumpSettings(name: name)
            pump.port = "/sim/" + name
            let large = name == "solvent" || name == "oil"
            pump.syringeDiameter = Length(millimeters: large ? 26.594 : 14.427)
            pump.syringeVolume = Volume(microliters: large ? 60_000 : 10_000)
            pump.dialect = large ? .harvard : .newEra
            pump.baud = large ? 115_200 : 19_200
            return pump
        }
        settings.spectrometer.port = "/sim/spectrometer"
        settings.spectrometer.integration = .milliseconds(10)
        settings.spectrometer.pixelStep = 6
        settings.spectrometer.compression = false
        settings.rig.deadVolume = Volume(microliters: 10)
        settings.rig.settleResidences = 2
        settings.rig.primeVolume = Volume(microliters: 20)
        settings.rig.lampWarmUp = .seconds(1)
        settings.rig.darkScans = 6
        settings.rig.referenceDroplets = 4
        settings.rig.droplets = 4
        return settings
    }

    init(seed: UInt64 = 1, _ change: (inout Settings) -> Void = { _ in }) throws {
        var settings = Self.settings(seed: seed)
        change(&settings)
        self.settings = settings
        world = VirtualWorld()
        simulated = try SimulatedRig(
            settings: settings,
            chemistry: PrismChemistry(reagents: Chemistries.reagentNames(settings)))
        for line in simulated.lines { world.attach(path: line.path, peer: line.peer) }
        target = try TargetSpectrum(
            wavelengths: PrismChemistry.targetSpectrum.map(\.wavelength.nanometers),
            values: PrismChemistry.targetSpectrum.map(\.value))
    }

    func job(_ directory: String) throws -> CampaignJob {
        CampaignJob(
            settings: settings, configurationText: settings.explained,
            loss: try Loss(target: target, settings: settings.loss), logDirectory: directory)
    }

    func session(_ directory: String) throws -> Session {
        let job = try job(directory)
        return try Session(
            world: world, job: job, version: "test",
            parts: Session.Parts(
                archive: { DirectArchive(log: $0.segments, observer: nil) },
                thinker: { DirectThinker(planner: $0) }, segments: job.virtualSegments,
                clock: nil, bells: nil))
    }
}

/// All intact records of the log in `directory`.
func records(in directory: String) throws -> [Record] {
    var reader = try LogReader(directory: directory)
    var records: [Record] = []
    while let entry = try reader.next() {
        if case .record(_, let record) = entry { records.append(record) }
    }
    return records
}

/// A new directory that is removed when the value goes.
final class ScratchDirectory {
    let path: String

    init() {
        var template = Array("/tmp/argent-test-XXXXXX".utf8CString)
        mkdtemp(&template)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in (try? Files.list(path)) ?? [] { try? Files.remove(path + "/" + name) }
        rmdir(path)
    }
}
