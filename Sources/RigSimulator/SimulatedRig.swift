import Configuration
import Numerics
import Quantities
import World

/// A whole simulated rig that fits a configuration: pumps on the lines it names, syringes behind
/// them, tubing, droplets, chemistry and a spectrometer. Only bytes connect it with the host.
public final class SimulatedRig {
    /// One serial line of the rig.
    public struct Line {
        /// What a person calls it: the first instrument on it.
        public let name: String
        /// The path under which the configuration knows it.
        public let path: String
        /// Its far end.
        public let peer: any SimulatedDevice
    }

    /// All lines, pumps in the order their ports first appear, then the spectrometer.
    public let lines: [Line]
    /// The syringe of each pump, in configuration order.
    public let syringes: [SyringeDrive]
    /// The motor of each stepper pump, by its place in the configuration.
    public let steppers: [Int: SimulatedStepper]
    /// The tubing.
    public let fluidics: Fluidics
    private let pumpNames: [String]

    /// A rig for `settings` with `chemistry`, switched on at `start`.
    ///
    /// - Throws: `SimulatedRigError` when the configuration has no oil pump.
    public init(
        settings: Settings, chemistry: any Chemistry, start: Instant = .zero
    ) throws(SimulatedRigError) {
        let pumps = settings.pumps
        pumpNames = pumps.map(\.name)
        let syringes = pumps.map { pump in
            SyringeDrive(
                diameter: pump.syringeDiameter, capacity: pump.syringeVolume,
                contents: pump.syringeVolume, timeConstant: settings.simulation.rampTime)
        }
        self.syringes = syringes
        var steppers: [Int: SimulatedStepper] = [:]
        for (index, pump) in pumps.enumerated() where pump.dialect == .stepper {
            steppers[index] = SimulatedStepper(pump)
        }
        self.steppers = steppers
        let sources = syringes.enumerated().map { index, syringe in
            if let stepper = steppers[index] { return FlowFunction { _ in stepper.delivered } }
            return FlowFunction { syringe.deliveredVolume(at: $0) }
        }
        guard let oil = pumps.firstIndex(where: { $0.name == settings.recipe.oil }) else {
            throw .noOil(name: settings.recipe.oil)
        }
        let aqueous = pumps.indices.filter { $0 != oil }
            .map { (name: pumps[$0].name, source: sources[$0] as any FlowSource) }
        let tubing = Fluidics(
            settings: settings, aqueous: aqueous, oil: sources[oil], chemistry: chemistry,
            start: start)
        fluidics = tubing
        let drives = syringes.map { PlumbedDrive(syringe: $0, tubing: tubing) }

        var lines: [Line] = []
        var ports: [String] = []
        for pump in pumps where pump.dialect != .stepper && !ports.contains(pump.port) {
            ports.append(pump.port)
        }
        for port in ports {
            let members = pumps.indices.filter { pumps[$0].port == port }
            lines.append(
                Line(
                    name: pumps[members[0]].name, path: port,
                    peer: Self.peer(members.map { (pumps[$0], drives[$0]) }, start: start)))
        }
        var seeds = SeededGenerator(seed: settings.simulation.seed).split("detector")
        let spectrometer = SimulatedOcean(
            options: SimulatedOceanOptions(settings: settings), scene: tubing,
            seed: seeds.next())
        lines.append(
            Line(
                name: "spectrometer", path: settings.spectrometer.port, peer: spectrometer))
        self.lines = lines
    }

    private static func peer(
        _ members: [(pump: PumpSettings, drive: PlumbedDrive)], start: Instant
    ) -> any SimulatedDevice {
        let first = members[0].pump
        if first.dialect == .newEra {
            return SimulatedNewEra(
                units: members.map {
                    SimulatedNewEra.Unit(address: $0.pump.address, drive: $0.drive)
                }, baud: first.baud, poweredAt: start)
        }
        return SimulatedHarvard(
            units: members.map {
                SimulatedHarvard.Unit(
                    address: $0.pump.address, model: model($0.pump.dialect), drive: $0.drive)
            }, baud: first.baud, poweredAt: start)
    }

    private static func model(_ dialect: PumpSettings.Dialect) -> SimulatedHarvard.Model {
        switch dialect {
        case .legato: .legato
        case .phdUltra: .ultra
        case .harvard, .newEra, .stepper: .elite
        }
    }

    /// Puts the motors of the stepper pumps on their lines.
    public func attachSteppers(to world: VirtualWorld, settings: Settings) {
        for (index, stepper) in steppers {
            stepper.attach(to: world, pump: settings.pumps[index], tubing: fluidics)
        }
    }

    /// The syringe of the pump called `name`.
    public func syringe(_ name: String) -> SyringeDrive? {
        pumpNames.firstIndex(of: name).map { syringes[$0] }
    }

    /// The place in `lines` of the line on which the instrument called `name` hangs.
    public func line(of name: String, in settings: Settings) -> Int? {
        let port =
            settings.pumps.first { $0.name == name }?.port
            ?? (name == "spectrometer" ? settings.spectrometer.port : nil)
        return lines.firstIndex { $0.path == port }
    }
}

/// Why a configuration cannot be simulated.
public enum SimulatedRigError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No pump carries the oil.
    case noOil(name: String)

    /// What is wrong.
    public var description: String {
        switch self {
        case .noOil(let name): "no pump is called \(name), which [recipe] oil names"
        }
    }
}

/// A syringe whose tubing is told before its flow changes, so that what flowed until then is
/// accounted at the old rate.
final class PlumbedDrive: SimulatedDrive {
    private let syringe: SyringeDrive
    private let tubing: Fluidics

    init(syringe: SyringeDrive, tubing: Fluidics) {
        self.syringe = syringe
        self.tubing = tubing
    }

    func drive(at rate: FlowRate, now: Instant) {
        tubing.advance(to: now)
        syringe.drive(at: rate, now: now)
    }

    func motorVolume(at now: Instant) -> Volume { syringe.motorVolume(at: now) }

    func isBlocked(at now: Instant) -> Bool { syringe.isBlocked(at: now) }
}
