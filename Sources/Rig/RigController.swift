import Configuration
import Instruments
import Quantities
import Spectra

/// The rig as a machine without I/O: instrument events, interlock levels, orders, operator
/// commands and time go in; commands for the instruments and reports come out.
///
/// What it does in which state is `RigTable`; this type watches for the events of that table
/// (`RigController+Watch`), carries out its actions (`RigController+Actions`) and turns scans
/// into droplets (`Measurement`).
public struct RigController {
    /// The configuration it goes by.
    public internal(set) var settings: Settings
    /// What the rig is doing.
    public internal(set) var state = RigState.connecting
    /// What may be wrong, what is, and what is demanded because of it.
    public internal(set) var interlocks: Interlocks
    /// What is left in the syringes.
    public internal(set) var ledger: SyringeLedger
    /// Why it is held, when it is; not in words yet.
    public internal(set) var holdWords = Words.text("")
    /// The condition that is being run.
    public internal(set) var order: ConditionOrder?
    /// The rates the pumps were told last.
    public internal(set) var commanded: [FlowRate]
    /// Losses of the running condition's droplets so far.
    public internal(set) var losses: [Double] = []
    /// Flags of the running condition's droplets so far.
    public internal(set) var flags = DropletFlags()
    /// What the instruments are to do; the owner carries it out and empties it.
    public var commands: [RigCommand] = []
    /// What happened; the owner passes it on and empties it.
    public var reports: [RigReport] = []
    /// When `advance` must be called next at the latest.
    public internal(set) var deadline = Instant.zero

    /// What the sensors say.
    var sensors: SensorWatch
    /// What is compared with measured flow or a pump's counter.
    var flowChecks: [FlowCheck]
    /// Rows looked at in every turn.
    var watchedRows: WatchedRows
    /// A ramp-down under way.
    var ramp: Ramp
    var pumps: [PumpState]
    var spectrometerReady = false
    var measurement: Measurement
    var plan: AcquisitionPlan?
    /// Compares droplets with their neighbours.
    var dropletWatch: DropletWatch
    /// Points of a droplet's spectrum.
    let watchedPoints: Int
    /// When a condition's median is known well enough.
    var medianStop: MedianStop

    /// When the present state began.
    var stateSince = Instant.zero
    /// Until when the present step may last.
    var stepLimit = Instant.distantFuture
    /// Volume that still has to pass before `volumePassed`.
    var volumeToPass = Volume.zero
    /// Up to when the ledger and the passed volume are accounted for.
    var accountedUntil = Instant.zero
    var lastFrameAt = Instant.zero
    var isPrimed = false
    var holdRequested = false
    var conditionsSinceReference = 0
    var saturatedInCondition = 0
    /// When `commanded` last changed.
    var commandedAt = Instant.zero
    /// By pump: since when it is commanded to run, without a pause.
    var runningSince: [Instant]
    /// Instruments that were ready at least once: losing one of these needs `argent clear`.
    /// By place, as the table counts instruments.
    var everReady: [Bool]
    /// The rates of a recipe, worked out in room made once.
    var setpoints: Setpoints
    /// Rates, volumes and losses on their way to those who write them down.
    var rateRooms: RoomsInTurn<FlowRate>
    var volumeRooms: RoomsInTurn<Volume>
    var lossRooms: RoomsInTurn<Double>
    /// What was found odd about a droplet.
    var departures: [DropletWatch.Departure] = []
    /// Losses in order.
    var sortRoom: [Double] = []
    /// Names of the pumps, for those who put something in words.
    let pumpNames: [String]

    /// Reports on their way at most without a new room.
    static let roomCount = 64
    /// Commands and reports of one turn for which there is room beforehand.
    static let turnRoom = 64

    /// How often the rig looks at its clocks when nothing else happens.
    static let watchPeriod = TimeSpan.milliseconds(50)
    /// How long pumps keep flowing between two conditions while the next recipe is on its way.
    static let idleGrace = TimeSpan.milliseconds(500)
    /// Volume of slack in a pump's own bound: its run ends by itself only well after the
    /// condition's own limits.
    static let boundSlack = 1 / PumpGoal.sureShare

    /// A rig that has just been switched on, with `remaining` in its syringes (full where nil).
    public init(settings: Settings, loss: Loss, remaining: [Volume?] = []) {
        self.settings = settings
        ledger = SyringeLedger(pumps: settings.pumps, remaining: remaining)
        commanded = Array(repeating: .zero, count: settings.pumps.count)
        pumps = Array(repeating: PumpState(), count: settings.pumps.count)
        runningSince = Array(repeating: .zero, count: settings.pumps.count)
        let matrix = Interlocks(table: ReactionTable(settings))
        interlocks = matrix
        watchedRows = WatchedRows(matrix)
        sensors = SensorWatch(settings.watchedSensors)
        flowChecks = matrix.rows.indices.filter { matrix.rows[$0].hazard.isFlow }
            .map { FlowCheck(row: $0, matrix.rows[$0]) }
        ramp = Ramp(pumps: settings.pumps.count)
        measurement = Measurement(settings: settings, loss: loss)
        watchedPoints = loss.wavelengths.count
        dropletWatch = DropletWatch(
            points: watchedPoints, step: settings.loss.step.nanometers,
            settings: settings.droplets)
        medianStop = MedianStop(
            uncertainty: settings.rig.medianUncertainty, fewest: settings.rig.minimumDroplets,
            droplets: settings.rig.droplets)
        let pumps = settings.pumps.count
        everReady = Array(repeating: false, count: pumps + 1)
        setpoints = Setpoints(pumps: pumps)
        rateRooms = RoomsInTurn(rooms: Self.roomCount, capacity: pumps)
        volumeRooms = RoomsInTurn(rooms: Self.roomCount, capacity: pumps)
        lossRooms = RoomsInTurn(rooms: Self.lossRoomCount, capacity: settings.rig.droplets)
        losses = lossRooms.take()
        departures.reserveCapacity(DropletWatch.neighbours + 2)
        sortRoom.reserveCapacity(settings.rig.droplets)
        pumpNames = settings.pumps.map(\.name)
        commands.reserveCapacity(Self.turnRoom + 2 * pumps)
        reports.reserveCapacity(Self.turnRoom)
        // Made at its first use, which shall not be in a turn.
        _ = RigTable.row(.connecting, .connected)
    }

    /// Why it is held, when it is, in words.
    public var holdReason: String { holdWords.description }

    /// The rig is switched on at `now`: clocks count from here, and every pump is told to stand
    /// still before anything else.
    public mutating func start(at now: Instant) {
        stateSince = now
        accountedUntil = now
        commandedAt = now
        lastFrameAt = now
        sensors.start(at: now)
        stopPumps(at: now)
    }

    /// What keeps it from running, if anything.
    public var faults: Faults { Faults(all: interlocks.faults) }

    /// What is demanded of valves, lamp and pumps because of what is wrong. Outputs follow it:
    /// they are where the safe state wants them as long as it is demanded.
    public var demanded: Reactions { interlocks.demanded }

    /// Whether a recipe can be ordered now.
    public var wantsOrder: Bool { state == .ready && !holdRequested && !referenceIsDue }

    /// Takes note of what is known of pump `index`.
    public mutating func update(pump index: Int, _ state: PumpState, at now: Instant) {
        pumps[index] = state
    }

    /// The rig is to run `order`. Ignored unless `wantsOrder`.
    public mutating func run(_ order: ConditionOrder, at now: Instant) {
        guard wantsOrder else { return }
        self.order = order
        step(.ordered, at: now)
    }

    /// The process ends: everything stops and stays stopped, lamp off.
    public mutating func halt(reason: String, at now: Instant) {
        holdWords = .text(reason)
        holdRequested = true
        step(.hold, at: now)
        acquire(false, lamp: false, at: now)
    }

    /// Whether every pump that can be spoken to has confirmed that it stands still.
    public var isAtRest: Bool {
        pumps.allSatisfy { $0.link != .ready || $0.actual == .stopped }
    }

    /// Time passed: clocks, limits, staleness. Sets `deadline`.
    public mutating func advance(to now: Instant) {
        account(until: now)
        watchSensors(at: now)
        interlocks.advance(to: now)
        followInterlocks(at: now)
        watch(at: now)
        if state == .ramping { continueRamp(at: now) }
        deadline = now + Self.watchPeriod
        if stepLimit > now { deadline = min(deadline, stepLimit) }
        if interlocks.deadline > now { deadline = min(deadline, interlocks.deadline) }
    }

    /// Looks `event` up in the table and does what it says.
    mutating func step(_ event: RigEvent, at now: Instant) {
        guard let row = RigTable.row(state, event) else { return }
        account(until: now)
        if row.next != state {
            state = row.next
            stateSince = now
            stepLimit = .distantFuture
            reports.append(.state(state, because: event))
        }
        perform(row.action, because: event, at: now)
    }

    /// Books what was commanded since the last time: out of the syringes, through the tube.
    mutating func account(until now: Instant) {
        let span = now - accountedUntil
        accountedUntil = now
        guard span > .zero else { return }
        ledger.spend(commanded, for: span)
        var total = FlowRate.zero
        for rate in commanded { total.microlitersPerMinute += rate.microlitersPerMinute }
        volumeToPass.microliters -= total.volume(in: span).microliters
    }

    /// Tells what the pumps are told now.
    mutating func reportRates() {
        var room = rateRooms.take()
        for rate in commanded { room.append(rate) }
        rateRooms.put(room)
        reports.append(.setpoints(room))
    }

    /// Tells what is left in the syringes.
    mutating func reportRemaining() {
        var room = volumeRooms.take()
        for volume in ledger.remaining { room.append(volume) }
        volumeRooms.put(room)
        reports.append(.remaining(room))
    }
}
