import Instruments
import Quantities
import World

/// One serial line and the machine that speaks on it, as the rig loop sees them.
protocol LineRunning: AnyObject {
    /// Device path.
    var path: String { get }
    /// Names of the instruments on it, for messages.
    var instruments: [String] { get }
    /// Whether the kernel has the line open for us.
    var isOpen: Bool { get }
    /// When this line needs a turn even if no byte arrives.
    var deadline: Instant { get }
    /// Reads what came and lets time pass.
    func listen(at now: Instant)
    /// Writes what the machine wants out, if there may be anything.
    func flush(at now: Instant)
    /// Whether the machine was spoken to since the last `takeEvents`: otherwise nothing of it is
    /// new.
    var isChanged: Bool { get }
    /// Moves what happened since the last call into `events`.
    func takeEvents(into events: inout [InstrumentEvent])
    /// What went wrong with the line itself since the last call.
    func takeNotices() -> [String]
    /// Closes the line for good.
    func close()
}

/// A line with pumps on it.
protocol PumpLineRunning: LineRunning {
    func pump(_ index: Int) -> PumpState
    func setGoal(_ goal: PumpGoal, pump index: Int, at now: Instant)
    func acknowledgeAlarm(pump index: Int, at now: Instant)
    /// Every pump is told to stop as soon as the line is open, before any is asked anything.
    func stopFirst()
}

/// A line with a spectrometer on it.
protocol SpectrometerLineRunning: LineRunning {
    var isReady: Bool { get }
    var wavelengths: [Wavelength] { get }
    func setPlan(_ plan: AcquisitionPlan, at now: Instant)
}

/// Moves bytes between a line and its machine, opens the line again after it went away, and
/// follows the machine's speed.
final class LineRunner<Machine: LineMachine>: LineRunning {
    let path: String
    let instruments: [String]
    private(set) var isChanged = true
    private var machine: Machine
    /// The machine's own; kept, because the loop asks several times a turn.
    private var machineDeadline = Instant.distantFuture
    private let world: any World
    private var port: (any SerialPort)?
    private var baud = 0
    private var retryAt = Instant.zero
    private var incoming: [UInt8] = []
    /// The machine was spoken to since the last write.
    private var mustWrite = false
    /// Why the line could not be opened the last time; told once per reason.
    private var refusal: WorldError?
    private var notices: [String] = []

    /// Time between two attempts to open a line that is not there, and to write on one whose
    /// buffer is full.
    private let retryPeriod = TimeSpan.milliseconds(500)
    private let fullPeriod = TimeSpan.milliseconds(5)
    /// Bytes taken from a line at one turn: twice what 921,600 baud brings in 10 ms.
    private let readLimit = 2_048

    init(path: String, instruments: [String], machine: Machine, world: any World) {
        self.path = path
        self.instruments = instruments
        self.machine = machine
        self.world = world
        incoming.reserveCapacity(readLimit)
    }

    var isOpen: Bool { port != nil }

    var deadline: Instant {
        guard port != nil else { return retryAt }
        return min(machineDeadline, retryAt)
    }

    func listen(at now: Instant) {
        if port == nil {
            guard now >= retryAt else { return }
            open(at: now)
        }
        guard let port else { return }
        do {
            incoming.removeAll(keepingCapacity: true)
            if port.mayHaveInput, try port.read(into: &incoming, limit: readLimit) > 0 {
                machine.receive(incoming[...], at: now)
                noteChange()
            }
            if now >= machineDeadline {
                machine.advance(to: now)
                noteChange()
            }
            if let notice = port.takeNotice() { notices.append(notice) }
        } catch {
            lose(error, at: now)
        }
    }

    func flush(at now: Instant) {
        guard let port, mustWrite || now >= retryAt else { return }
        mustWrite = false
        do { try write(to: port, at: now) } catch { lose(error, at: now) }
    }

    func takeEvents(into events: inout [InstrumentEvent]) {
        guard isChanged else { return }
        isChanged = false
        machine.takeEvents(into: &events)
    }

    /// The machine was spoken to.
    private func noteChange() {
        isChanged = true
        mustWrite = true
        machineDeadline = machine.deadline
    }

    func takeNotices() -> [String] {
        guard !notices.isEmpty else { return [] }
        defer { notices = [] }
        return notices
    }

    func close() {
        port?.close()
        port = nil
        retryAt = .distantFuture
    }

    private func write(to port: any SerialPort, at now: Instant) throws(WorldError) {
        retryAt = .distantFuture
        if !machine.output.isEmpty {
            let taken = try port.write(machine.output[...])
            machine.removeOutput(taken)
            if !machine.output.isEmpty { retryAt = now + fullPeriod }
        }
        // The speed changes only after everything said at the old one has left.
        if machine.baud != baud, machine.output.isEmpty {
            try port.setBaud(machine.baud)
            baud = machine.baud
        }
    }

    private func open(at now: Instant) {
        do {
            let settings = SerialSettings(path: path, baud: machine.baud)
            let opened = try world.openSerial(settings)
            opened.discardInput()
            port = opened
            baud = settings.baud
            refusal = nil
            machine.lineOpened(at: now)
            noteChange()
        } catch .underWay {
            retryAt = now + fullPeriod
        } catch {
            retryAt = now + retryPeriod
            if refusal != error {
                refusal = error
                notices.append("\(error)")
                machine.lineMissing(at: now)
                isChanged = true
            }
        }
    }

    private func lose(_ error: WorldError, at now: Instant) {
        notices.append("\(error)")
        port?.close()
        port = nil
        retryAt = now + retryPeriod
        machine.lineClosed(at: now)
        noteChange()
    }
}

extension LineRunner: PumpLineRunning where Machine: PumpLine {
    func stopFirst() { machine.stopFirst() }
    func pump(_ index: Int) -> PumpState { machine.pump(index) }
    func setGoal(_ goal: PumpGoal, pump index: Int, at now: Instant) {
        machine.setGoal(goal, pump: index, at: now)
        noteChange()
    }
    func acknowledgeAlarm(pump index: Int, at now: Instant) {
        machine.acknowledgeAlarm(pump: index, at: now)
        noteChange()
    }
}

extension LineRunner: SpectrometerLineRunning where Machine: SpectrometerLine {
    var isReady: Bool { machine.isReady }
    var wavelengths: [Wavelength] { machine.wavelengths }
    func setPlan(_ plan: AcquisitionPlan, at now: Instant) {
        machine.setPlan(plan, at: now)
        noteChange()
    }
}
