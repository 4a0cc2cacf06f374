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

    /// Lets `seconds` pass for `session`, or less when `until` holds, asked after every turn;
    /// whether it did.
    func run(_ session: Session, for seconds: Double, until: () -> Bool) -> Bool {
        let end = world.now + .seconds(seconds)
        while world.now < end {
            session.turn()
            if until() { return true }
            world.wait(until: min(session.rig.deadline, end))
        }
        return false
    }
}

extension VirtualRig {
    /// A ring for raw frames as `argent run` makes it.
    var frameRing: FrameRing {
        FrameRing(
            capacity: RealCampaign.frameRingCapacity,
            pixelLimit: settings.spectrometer.pixelCount)
    }

    /// As `session`, with the log's thread of a real run, which keeps the frames of `ring` and
    /// the log within its room.
    func threadedSession(
        _ directory: String, ring: FrameRing,
        acknowledged: @escaping @Sendable (UInt64) -> Bool = { _ in false }
    ) throws -> (session: Session, archive: ThreadedArchive) {
        let job = try job(directory)
        var begun: ThreadedArchive?
        let session = try Session(
            world: world, job: job, version: "test",
            parts: Session.Parts(
                archive: { log throws(WorldError) in
                    let archive = try ThreadedArchive(
                        log: log.segments, observer: nil, control: nil,
                        room: LogRoom(
                            directory: directory, settings: job.settings.log, signer: nil,
                            frames: ring, acknowledged: { acknowledged }))
                    begun = archive
                    return archive
                },
                thinker: { DirectThinker(planner: $0) }, segments: job.virtualSegments,
                clock: nil, bells: nil))
        session.rig.frames = ring
        guard let begun else { throw WorldError.gone(name: "archive") }
        return (session, begun)
    }
}

extension ThreadedArchive {
    /// Returns when all but a few frames of `ring` were taken: the virtual clock runs ahead of the
    /// thread that writes, a real one does not.
    func waitForFrames(of ring: FrameRing) {
        while ring.count > 4 {
            flush()
            Clocks.sleep(.microseconds(200))
        }
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
