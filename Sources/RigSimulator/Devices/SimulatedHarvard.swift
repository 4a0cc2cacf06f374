import Quantities

/// One or more Harvard Pump 11 Elite, PHD ULTRA or Legato pumps on one line ("pump chain"), after
/// the Pump 11 Elite manual (pub. 5420-002 Rev C, pp. 52-58). Left out: ramps, methods, the
/// syringe table and the input and output pins.
public final class SimulatedHarvard: SimulatedDevice {
    /// Which family it is: they differ in addressing, version text and the status line.
    public enum Model: String, Sendable { case elite, legato, ultra }

    /// Where the manuals leave a choice; the defaults are the readings taken here.
    public struct Options: Equatable, Sendable {
        /// What takes the `T*` of a reached target away.
        public enum TargetMark: Equatable, Sendable {
            /// A stop, a new run, or a target cleared or changed.
            case stopRunOrTarget
            /// Only a new run.
            case runOnly
        }
        /// What takes the `*` of a stall away.
        public enum StallMark: Equatable, Sendable { case stop, screenOnly }
        /// What takes `T*` away.
        public var targetMark = TargetMark.stopRunOrTarget
        /// What takes `*` away.
        public var stallMark = StallMark.stop
        /// A target counts from the last clearing of the volume, as the display does; otherwise
        /// from the start of the run.
        public var targetCountsFromClear = true
        /// Times are told as `hh:mm:ss`, not as seconds.
        public var timesAsClock = false
        /// Refuse what only other people's clients send: `14.5 mm`, a bare `m`, `load`,
        /// `nvram none`.
        public var strict = false
        /// A pump alone on the line obeys unaddressed commands whatever its address (USB).
        public var loneObeysUnaddressed = true
        /// Time from the end of a command to the start of its answer.
        public var turnaround = TimeSpan.milliseconds(3)

        /// The documented readings.
        public init() {}
    }

    /// One pump of the chain.
    public struct Unit {
        /// Address, 0…99; the one wired to the computer must be 0.
        public var address: Int
        /// Which family it is.
        public var model: Model
        /// Its mechanics.
        public var drive: any SimulatedDrive

        /// A pump at `address`.
        public init(address: Int = 0, model: Model = .elite, drive: any SimulatedDrive) {
            self.address = address
            self.model = model
            self.drive = drive
        }
    }

    /// What a pump does.
    public enum PumpMotion: Equatable, Sendable {
        case idle, infusing, withdrawing, stalled, targetReached
    }

    /// Longest command kept.
    static let lineMax = 128

    /// The speed of the line now, in bits per second.
    public private(set) var baud: Int
    private var nextBaud: Int?
    var units: [HarvardUnit]
    private let options: Options
    private var output = ReplyQueue()
    private var line: [UInt8] = []
    private var overlong = false

    /// Pumps that were switched on at `now`, with factory settings but for their addresses.
    public init(
        units: [Unit], baud: Int = 115_200, options: Options = Options(),
        poweredAt now: Instant = .zero
    ) {
        self.baud = baud
        self.options = options
        self.units = units.map {
            HarvardUnit(
                address: min(max($0.address, 0), 99), model: $0.model, drive: $0.drive,
                options: options, now: now)
        }
    }

    /// One pump of `model` at `address`.
    public convenience init(
        drive: any SimulatedDrive, model: Model = .elite, address: Int = 0, baud: Int = 115_200,
        options: Options = Options()
    ) {
        self.init(
            units: [Unit(address: address, model: model, drive: drive)], baud: baud,
            options: options)
    }

    /// What pump `index` does; `.idle` for an index that is none.
    public func motion(of index: Int) -> PumpMotion {
        units.indices.contains(index) ? units[index].motion : .idle
    }

    /// Somebody touches the screen of pump `index`: a stall or reached target is acknowledged.
    public func touchScreen(of index: Int, at now: Instant) {
        guard units.indices.contains(index) else { return }
        catchUp(to: now)
        if !units[index].isRunning { units[index].motion = .idle }
        plan()
    }

    /// The mains were cut and returned: volatile state is lost.
    public func powerCycle(at now: Instant) {
        defer { plan() }
        catchUp(to: now)
        output.removeAll()
        forgetLine()
        for index in units.indices { units[index].powerCycle(at: now) }
    }

    /// Bytes from the host, the last of which has fully arrived at `now`.
    public func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) {
        defer { plan() }
        catchUp(to: now)
        for byte in bytes {
            if units.contains(where: { $0.echoes }) {
                output.append([byte], ready: now.nanoseconds)
            }
            if byte == 0x0D {
                execute(at: now)
                forgetLine()
            } else if byte == 0x08 || byte == 0x7F {
                _ = line.popLast()
            } else if byte >= 0x20, byte < 0x7F {
                if line.count < Self.lineMax { line.append(byte) } else { overlong = true }
            }
        }
        collect(at: now)
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
        defer { plan() }
        catchUp(to: now)
        // The answer to `baud` still leaves at the old speed.
        if output.take(into: &bytes, now: now.nanoseconds), output.nextReady == nil,
            let wanted = nextBaud
        {
            baud = wanted
            nextBaud = nil
        }
    }

    private func forgetLine() {
        line.removeAll(keepingCapacity: true)
        overlong = false
    }

    /// `[@][address[:]][@]command`; the digits and the command need nothing between them.
    private func execute(at now: Instant) {
        var text = Substring(String(decoding: line, as: UTF8.self))
        func strip() {
            while let first = text.first, first == " " || first == "@" { text.removeFirst() }
        }
        strip()
        let digits = text.prefix(2).prefix { $0.isNumber }
        text.removeFirst(digits.count)
        let addressed = Int(digits)
        let lone = addressed == nil && units.count == 1 && options.loneObeysUnaddressed
        guard let index = units.firstIndex(where: { lone || $0.address == addressed ?? 0 }) else {
            return
        }
        if addressed != nil, units[index].model == .ultra, text.first == ":" { text.removeFirst() }
        strip()
        units[index].execute(overlong ? "overlong" : text, at: now)
    }

    private func collect(at now: Instant) {
        for index in units.indices {
            nextBaud = units[index].newBaud ?? nextBaud
            units[index].newBaud = nil
            for reply in units[index].replies {
                output.append(reply, ready: (now + options.turnaround).nanoseconds)
            }
            units[index].replies.removeAll(keepingCapacity: true)
        }
    }
}
