/// What may be taken from the disk, and when: a decision without I/O.
///
/// The oldest acknowledged segments go first. One that the running campaign replays after a
/// restart is *thinned*: it loses its spectra blocks, which are nearly all of its bytes, and
/// keeps its records and the proof of what it was. What no workstation has acknowledged is never
/// touched; if the disk ends all the same, the rig stops before a record is lost.
public struct Retention: Equatable, Sendable {
    /// Bytes the log may have.
    public var budget: Int64
    /// Bytes of the file system that are not the log's to fill.
    public var reserve: Int64

    /// Share of the room from which on segments are given up.
    public static let highWater = 0.85
    /// Share of the room from which on there is a warning: giving up segments did not help.
    public static let warningShare = 0.92
    /// Share of the room from which on bulk (spectra blocks) is no longer written, so that what
    /// decisions rest on still finds room.
    public static let bulkShare = 0.97

    /// A log of at most `budget` bytes that leaves `reserve` bytes of its file system free.
    public init(budget: Int64, reserve: Int64) {
        self.budget = budget
        self.reserve = reserve
    }

    /// A sealed segment as retention sees it.
    public struct Candidate: Equatable, Sendable {
        /// Its number.
        public var number: UInt64
        /// Bytes of its file.
        public var bytes: Int64
        /// Whether those who pull this log have it.
        public var isAcknowledged: Bool
        /// Whether it has spectra blocks to lose.
        public var hasBulk: Bool
        /// Whether the campaign needs it to find its state again.
        public var isReplayed: Bool

        /// A segment.
        public init(
            number: UInt64, bytes: Int64, isAcknowledged: Bool, hasBulk: Bool, isReplayed: Bool
        ) {
            self.number = number
            self.bytes = bytes
            self.isAcknowledged = isAcknowledged
            self.hasBulk = hasBulk
            self.isReplayed = isReplayed
        }
    }

    /// What to do next.
    public enum Step: Equatable, Sendable {
        /// Nothing: there is room, or nothing may go.
        case none
        /// Rewrite this segment without its spectra blocks.
        case thin(number: UInt64)
        /// Remove this segment.
        case remove(number: UInt64)
    }

    /// How full the log's room is.
    public enum Level: Int, Comparable, Sendable {
        /// All is well.
        case roomy
        /// A person should look: pull the log, or make room.
        case low
        /// Spectra blocks are not kept any more.
        case scarce
        /// There is no room for the next record.
        case full

        /// Whether `a` is the less severe.
        public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
    }

    /// The room the log has when it holds `used` bytes of a file system with `free` bytes left:
    /// its budget, or less where the file system ends first.
    public func room(used: Int64, free: Int64) -> Int64 {
        let (reachable, overflow) = used.addingReportingOverflow(free - min(reserve, free))
        return max(0, min(budget, overflow ? .max : reachable))
    }

    /// The next step for a log of `segments`, oldest first, and `active` bytes not sealed yet.
    public func step(_ segments: [Candidate], active: Int64, free: Int64) -> Step {
        let used = segments.reduce(active) { $0 + $1.bytes }
        guard share(used: used, free: free) >= Self.highWater else { return .none }
        for segment in segments where segment.isAcknowledged {
            // The newest stays: the log is numbered on from it.
            let isNewest = segment.number == segments.last?.number
            if !segment.isReplayed, !isNewest { return .remove(number: segment.number) }
            if segment.hasBulk { return .thin(number: segment.number) }
        }
        return .none
    }

    /// How full it is.
    public func level(used: Int64, free: Int64) -> Level {
        let share = share(used: used, free: free)
        if free <= 0 || share >= 1 { return .full }
        if share >= Self.bulkShare { return .scarce }
        return share >= Self.warningShare ? .low : .roomy
    }

    private func share(used: Int64, free: Int64) -> Double {
        let room = room(used: used, free: free)
        return room > 0 ? Double(used) / Double(room) : 1
    }
}
