import Quantities

/// One or more New Era pumps (NE-1000, NE-500 and kin) on one line, as seen from the line.
/// Manual pages are those of the NE-1000 user manual unless said otherwise. Left out: bursts,
/// `*ADR DUAL`, and the program functions that wait for inputs.
public final class SimulatedNewEra: SimulatedDevice {
    /// Where the manuals leave a choice; the defaults are the readings taken here.
    public struct Options: Equatable, Sendable {
        /// What a Safe pump does with a Basic command, and any pump with a damaged packet.
        public enum Damaged: Equatable, Sendable { case ignored, answered }
        /// A damaged Safe packet: silence or `?COM`.
        public var damagedPacket = Damaged.answered
        /// A Basic command while in Safe mode: silence or `?COM`.
        public var basicInSafeMode = Damaged.ignored
        /// `SAFn` as the first command after power-up is answered `A?R` and yet changes the
        /// framing, that of this answer included (other people's drivers rely on it).
        public var safeModeSwitchesUnderAlarm = true
        /// A rate changed while pumping is still used after pause and resume.
        public var resumeKeepsRate = true
        /// `RAT` while pumping tells the changed rate, not the stored one.
        public var queryTellsRunningRate = true
        /// Phases from 2 on of a fresh pump are `STP`; otherwise `RAT` at 0, which ends in A?O.
        public var freshPhasesStop = true
        /// `CLD` is allowed while pumping.
        public var clearsWhileRunning = false
        /// Largest diameter, in mm; some clients allow 80.
        public var maximumDiameter = 50.0
        /// Time from the end of a packet to the start of its answer.
        public var turnaround = TimeSpan.milliseconds(4)

        /// The documented readings.
        public init() {}
    }

    /// Which pump it is.
    public enum Model: String, Sendable {
        /// Feels a stall.
        case ne1000 = "1000"
        /// Does not: a stalled one keeps reporting that it infuses.
        case ne500 = "500"
    }

    /// One pump on the line.
    public struct Unit {
        /// Address on the line, 0…99.
        public var address: Int
        /// Which pump it is.
        public var model: Model
        /// Its mechanics.
        public var drive: any SimulatedDrive

        /// A pump at `address`.
        public init(address: Int = 0, model: Model = .ne1000, drive: any SimulatedDrive) {
            self.address = address
            self.model = model
            self.drive = drive
        }
    }

    /// A change of what a pump does, for a log or a test.
    public enum PumpMotion: Equatable, Sendable {
        case stopped, paused, infusing, withdrawing, purging, waiting
    }

    /// The speed of the line now, in bits per second.
    public private(set) var baud: Int
    var units: [NewEraUnit]
    private let options: Options
    private var output = ReplyQueue()

    /// Pumps that were switched on at `now`, with factory settings but for their addresses.
    public init(
        units: [Unit], baud: Int = 19_200, options: Options = Options(),
        poweredAt now: Instant = .zero
    ) {
        self.baud = baud
        self.options = options
        self.units = units.map {
            NewEraUnit(
                address: min(max($0.address, 0), 99), model: $0.model, drive: $0.drive,
                options: options, now: now)
        }
    }

    /// One pump of `model` at `address`.
    public convenience init(
        drive: any SimulatedDrive, address: Int = 0, model: Model = .ne1000, baud: Int = 19_200,
        options: Options = Options()
    ) {
        self.init(
            units: [Unit(address: address, model: model, drive: drive)], baud: baud,
            options: options)
    }

    /// What pump `index` does; `.stopped` for an index that is none.
    public func motion(of index: Int) -> PumpMotion {
        units.indices.contains(index) ? units[index].motion : .stopped
    }

    /// The alarm pump `index` shows, as its letter.
    public func alarm(of index: Int) -> Character? {
        units.indices.contains(index) ? units[index].alarm?.rawValue : nil
    }

    /// Somebody presses a key on pump `index`: the alarm is acknowledged.
    public func pressKey(on index: Int) {
        if units.indices.contains(index) { units[index].alarm = nil }
        plan()
    }

    /// The mains were cut and returned: volatile state is lost.
    public func powerCycle(at now: Instant) {
        catchUp(to: now)
        output.removeAll()
        for index in units.indices { units[index].powerCycle(at: now) }
        collect(at: now)
        plan()
    }

    /// Bytes from the host, the last of which has fully arrived at `now`.
    public func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) {
        catchUp(to: now)
        for byte in bytes {
            for index in units.indices { units[index].receive(byte, at: now) }
        }
        collect(at: now)
        plan()
    }

    /// Time passed: timers, targets, stalls.
    public func advance(to now: Instant) {
        guard now >= deadline else { return }
        catchUp(to: now)
        plan()
    }

    private func catchUp(to now: Instant) {
        for index in units.indices { units[index].advance(to: now) }
        collect(at: now)
    }

    /// When `advance` has something to do next; `.distantFuture` for never. Kept, because a line
    /// looks far more often than anything happens.
    public private(set) var deadline = Instant.distantFuture

    private func plan() {
        var next = output.nextReady.map(Instant.init(nanoseconds:)) ?? .distantFuture
        for index in units.indices { next = min(next, units[index].deadline) }
        deadline = next
    }

    /// Appends what is ready to leave by `now`, and forgets it.
    public func takeOutput(into bytes: inout [UInt8], at now: Instant) {
        guard now >= deadline else { return }
        catchUp(to: now)
        output.take(into: &bytes, now: now.nanoseconds)
        plan()
    }

    private func collect(at now: Instant) {
        for index in units.indices {
            if let wanted = units[index].newBaud {
                units[index].newBaud = nil
                baud = wanted
                for other in units.indices { units[other].baudChanged() }
            }
            for reply in units[index].replies {
                output.append(reply, ready: (now + options.turnaround).nanoseconds)
            }
            units[index].replies.removeAll(keepingCapacity: true)
        }
    }
}

/// The alarms, by their letters (p. 33).
enum NewEraAlarm: Character {
    case reset = "R"
    case stalled = "S"
    case timeout = "T"
    case program = "E"
    case outOfRange = "O"
}
