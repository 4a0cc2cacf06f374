import Configuration
import Instruments
import Quantities
import Rig
import World

/// The lines a configuration asks for: pumps with the same port share one, the spectrometer has
/// its own.
struct LineSetup {
    /// Lines with pumps, in the order their ports first appear.
    let pumpLines: [any PumpLineRunning]
    /// Where each pump of the configuration hangs: line, and index on it.
    let places: [(line: Int, index: Int)]
    let spectrometer: any SpectrometerLineRunning

    /// Makes a machine and a runner for every line; opens nothing yet.
    init(settings: Settings, world: any World) throws(LineSetupError) {
        var ports: [String] = []
        var members: [[PumpSettings]] = []
        var places: [(line: Int, index: Int)] = []
        for pump in settings.pumps {
            let line = ports.firstIndex(of: pump.port) ?? ports.count
            if line == ports.count {
                ports.append(pump.port)
                members.append([])
            }
            places.append((line, members[line].count))
            members[line].append(pump)
        }
        self.places = places
        var lines: [any PumpLineRunning] = []
        for (port, pumps) in zip(ports, members) {
            lines.append(try Self.line(port: port, pumps: pumps, world: world))
        }
        pumpLines = lines
        spectrometer = LineRunner(
            path: settings.spectrometer.port, instruments: [RigController.spectrometerName],
            machine: OceanSpectrometer(Self.options(settings.spectrometer)), world: world)
    }

    private static func line(
        port: String, pumps: [PumpSettings], world: any World
    ) throws(LineSetupError) -> any PumpLineRunning {
        guard let first = pumps.first else { throw .empty(port: port) }
        let names = pumps.map(\.name)
        let steppers = pumps.filter { $0.dialect == .stepper }
        if !steppers.isEmpty {
            guard steppers.count == pumps.count else { throw .mixed(port: port, names: names) }
            return try stepperLine(chip: port, pumps: pumps, world: world)
        }
        let isNewEra = first.dialect == .newEra
        guard pumps.allSatisfy({ ($0.dialect == .newEra) == isNewEra && $0.baud == first.baud })
        else { throw .mixed(port: port, names: names) }
        if isNewEra {
            let machine = NewEraLine(
                pumps: pumps.map {
                    NewEraLine.Pump(
                        name: $0.name, address: $0.address,
                        framing: $0.framing == .safe ? .safe : .basic, deadMan: $0.deadMan,
                        syringeDiameter: $0.syringeDiameter)
                }, baud: first.baud, replyTimeout: first.replyTimeout)
            return LineRunner(path: port, instruments: names, machine: machine, world: world)
        }
        let machine = HarvardLine(
            pumps: pumps.map {
                HarvardLine.Pump(
                    name: $0.name, address: $0.address, model: model($0.dialect),
                    syringeDiameter: $0.syringeDiameter)
            }, baud: first.baud, replyTimeout: first.replyTimeout)
        return LineRunner(path: port, instruments: names, machine: machine, world: world)
    }

    /// Steps are made by a thread on a board, and by the loop under the virtual clock.
    private static func stepperLine(
        chip: String, pumps: [PumpSettings], world: any World
    ) throws(LineSetupError) -> any PumpLineRunning {
        let lines = pumps.map(StepperLine.lines)
        guard world is RealWorld else {
            let backend = DirectSteps(lines, world: world)
            return StepperLine(chip: chip, pumps: pumps, backend: backend)
        }
        do throws(WorldError) {
            return StepperLine(chip: chip, pumps: pumps, backend: try StepThread(lines))
        } catch {
            throw .noThread(chip: chip, error)
        }
    }

    private static func model(_ dialect: PumpSettings.Dialect) -> HarvardModel {
        switch dialect {
        case .legato: .legato
        case .phdUltra: .ultra
        case .harvard, .newEra, .stepper: .elite
        }
    }

    private static func options(_ settings: SpectrometerSettings) -> OceanSpectrometer.Options {
        var options = OceanSpectrometer.Options()
        options.name = RigController.spectrometerName
        options.baud = settings.baud
        options.workingBaud = settings.workingBaud
        options.wavelengthCoefficients = settings.wavelengthCoefficients
        options.pixelCount = settings.pixelCount
        options.compression = settings.compression
        options.checksum = settings.checksum
        options.saturationLevel = settings.saturationLevel
        options.replyTimeout = settings.replyTimeout
        return options
    }
}

/// Why the lines of a configuration cannot be set up.
public enum LineSetupError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A port without pumps.
    case empty(port: String)
    /// The thread that makes the steps of a chip's motors, or that reads a bus, cannot be started.
    case noThread(chip: String, WorldError)
    /// Pumps on one port that cannot share it.
    case mixed(port: String, names: [String])

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .empty(let port): "no pump hangs on \(port)"
        case .noThread(let chip, let error):
            "no thread can be started for \(chip): \(error)"
        case .mixed(let port, let names):
            "\(names.joined(separator: ", ")) share \(port) but differ in protocol or speed; "
                + "give each language a line of its own"
        }
    }
}
