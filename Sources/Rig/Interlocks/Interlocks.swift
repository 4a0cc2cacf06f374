import Configuration
import Quantities

/// What became of one row of the table.
public struct InterlockChange: Equatable, Sendable {
    /// What happened.
    public enum Kind: Equatable, Sendable {
        /// The hazard has lasted long enough: the reaction is due.
        case tripped
        /// The hazard is gone; the reaction stays until a person clears it, or for a time.
        case recovered
        /// The reaction is over.
        case released
        /// It came and went too often to be released automatically any more.
        case latched
    }
    /// The row, by its place in the table.
    public var row: Int
    /// What happened.
    public var kind: Kind
    /// When.
    public var at: Instant
}

/// The interlock matrix at work: for every row of the reaction table whether its hazard is there,
/// and what is demanded because of it. A value without I/O and without knowledge of the rig:
/// states of hazards and time go in, demanded reactions come out.
///
/// A row runs through: quiet → pending (the hazard is there, not yet for the row's time) →
/// tripped (the reaction is demanded) → recovered (the hazard is gone) → quiet, by itself after a
/// time without the hazard or by `clear`. Rows not heard of yet are unknown, which is not quiet:
/// `isComplete` is false.
///
/// All memory is taken at the start; a turn takes none.
public struct Interlocks: Sendable {
    /// What is known of a row.
    public struct Cell: Equatable, Sendable {
        /// Where it stands.
        public enum Phase: UInt8, Sendable { case unknown, quiet, pending, tripped, recovered }
        /// Where it stands.
        public internal(set) var phase = Phase.unknown
        /// When it came there.
        public internal(set) var since = Instant.zero
        /// The value that was wrong last, in the row's own unit; NaN: none, or no number.
        public internal(set) var value = Double.nan
        /// The limit it broke; NaN: none.
        public internal(set) var limit = Double.nan
        /// What is to be said about it beside value and limit.
        public internal(set) var detail = HazardDetail.none
        /// When it tripped last, counted over all rows: the order of faults.
        var order = 0
        /// Automatic releases since `countedFrom`.
        var releases = 0
        var countedFrom = Instant.zero
        /// Too many of them: a person must look.
        public internal(set) var isLatched = false
    }

    /// The table.
    public private(set) var rows: [ReactionRow]
    /// The state of every row.
    public private(set) var cells: [Cell]
    /// What is demanded now, over all rows.
    public private(set) var demanded: Reactions = []
    /// What happened; the owner takes it and calls `forgetChanges`. Bounded: when nobody takes it
    /// the oldest are kept, and the demanded reactions are right all the same.
    public private(set) var changes: [InterlockChange] = []
    /// When `advance` has something to do next.
    public private(set) var deadline = Instant.distantFuture

    /// A row that was released automatically this often…
    public static let releaseLimit = 5
    /// …within this time stays until a person clears it.
    public static let releaseWindow = TimeSpan.seconds(600)
    /// Changes kept at most.
    static let changeLimit = 4_096

    private var unknown: Int
    private var waiting = 0
    private var trips = 0
    /// The first row of each hazard that has one.
    private let first: [(hazard: Hazard, row: Int)]

    /// The matrix of `table`, with everything that is an input unknown.
    public init(table: ReactionTable) {
        rows = table.rows
        cells = table.rows.map { row in
            var cell = Cell()
            // Only inputs that come from outside again and again are unknown at first; the rest
            // are things that happen.
            cell.phase = Self.isInput(row) ? .unknown : .quiet
            return cell
        }
        unknown = cells.count { $0.phase == .unknown }
        changes.reserveCapacity(min(Self.changeLimit, rows.count * 4))
        var first: [(hazard: Hazard, row: Int)] = []
        for hazard in Hazard.allCases {
            guard let row = rows.firstIndex(where: { $0.hazard == hazard }) else { continue }
            first.append((hazard, row))
        }
        self.first = first
    }

    /// Whether a row must be heard of before anything may move.
    static func isInput(_ row: ReactionRow) -> Bool {
        row.hazard == .interlock || row.hazard == .unreadable || row.hazard.isLimit
    }

    /// Whether every input has been heard of.
    public var isComplete: Bool { unknown == 0 }

    /// Whether something is demanded that keeps pumps from running.
    public var keepsPumpsStill: Bool { !demanded.isDisjoint(with: .pumpReactions) }

    /// The row of `hazard` for the pump, interlock or instrument at `index`; nil: there is none.
    public func row(_ hazard: Hazard, _ index: Int = 0) -> Int? {
        // An edge asks this first of all: no hash of a name, no copy of a row.
        guard let start = first.first(where: { $0.hazard == hazard })?.row else { return nil }
        let place = start + index
        guard index >= 0, place < rows.count, rows[place].hazard == hazard,
            rows[place].index == index, !rows[place].isSensor
        else { return nil }
        return place
    }

    /// The same rows with other limits, times and reactions; what is known of each stays, and
    /// what they demand is reckoned anew. `new` gets the rows of before, so that it is never here
    /// that their memory is given back. False, and nothing done, for another number of rows.
    public mutating func adopt(_ new: inout [ReactionRow]) -> Bool {
        guard new.count == rows.count else { return false }
        swap(&rows, &new)
        demand()
        plan()
        return true
    }

    // MARK: - Inputs

    /// The hazard of `row` is there, or is not. `value` broke `limit`.
    public mutating func set(
        _ row: Int, isWrong: Bool, value: Double = .nan, limit: Double = .nan,
        detail: @autoclosure () -> HazardDetail = .none, at now: Instant
    ) {
        guard cells.indices.contains(row) else { return }
        switch (cells[row].phase, isWrong) {
        case (.quiet, false), (.recovered, false): return
        case (.unknown, _):
            unknown -= 1
            move(row, to: .quiet, at: now)
            if isWrong { begin(row, value, limit, detail(), at: now) }
        case (.quiet, true): begin(row, value, limit, detail(), at: now)
        case (.pending, false):
            waiting -= 1
            move(row, to: .quiet, at: now)
        case (.pending, true): note(row, value, limit)
        case (.tripped, true): note(row, value, limit)
        case (.tripped, false):
            waiting += 1
            move(row, to: .recovered, at: now)
            say(row, .recovered, at: now)
            // Without a time to wait it is over at once.
            settle(row, at: now)
        case (.recovered, true):
            waiting -= 1
            note(row, value, limit)
            move(row, to: .tripped, at: now)
        }
    }

    /// The hazard of `row` happened and is over: there is no state to read.
    public mutating func pulse(
        _ row: Int, value: Double = .nan, detail: @autoclosure () -> HazardDetail = .none,
        at now: Instant
    ) {
        guard cells.indices.contains(row) else { return }
        if cells[row].phase == .tripped || cells[row].phase == .recovered {
            cells[row].detail = detail()
            cells[row].value = value
            if cells[row].phase == .recovered { move(row, to: .recovered, at: now) }
            return
        }
        set(row, isWrong: true, value: value, detail: detail(), at: now)
        if cells[row].phase == .pending { trip(row, at: now) }
        set(row, isWrong: false, at: now)
    }

    /// Time passed: rows that wait trip or are released.
    public mutating func advance(to now: Instant) {
        guard waiting > 0, now >= deadline else { return }
        for row in cells.indices {
            switch cells[row].phase {
            case .pending where now >= cells[row].since + rows[row].delay: trip(row, at: now)
            case .recovered: settle(row, at: now)
            default: break
            }
        }
        plan()
    }

    /// A person looked: rows whose hazard is gone are released. Returns whether every row was.
    public mutating func clear(at now: Instant) -> Bool {
        var isAll = true
        for row in cells.indices {
            switch cells[row].phase {
            case .recovered:
                cells[row].releases = 0
                cells[row].isLatched = false
                release(row, at: now)
            case .tripped: if rows[row].reactions != .report { isAll = false }
            default: break
            }
        }
        demand()
        plan()
        return isAll
    }

    /// The owner has seen `changes`.
    public mutating func forgetChanges() { changes.removeAll(keepingCapacity: true) }

    // MARK: - Moves

    /// Whether the hazard of `row` need not last before its reaction is due.
    func tripsAtOnce(_ row: Int) -> Bool {
        rows[row].delay <= .zero || !rows[row].hazard.hasDelay
    }

    private mutating func begin(
        _ row: Int, _ value: Double, _ limit: Double, _ detail: HazardDetail, at now: Instant
    ) {
        note(row, value, limit)
        cells[row].detail = detail
        waiting += 1
        move(row, to: .pending, at: now)
        if tripsAtOnce(row) { trip(row, at: now) }
    }

    private mutating func note(_ row: Int, _ value: Double, _ limit: Double) {
        cells[row].value = value
        cells[row].limit = limit
    }

    private mutating func move(_ row: Int, to phase: Cell.Phase, at now: Instant) {
        cells[row].phase = phase
        cells[row].since = now
        plan()
    }

    private mutating func trip(_ row: Int, at now: Instant) {
        waiting -= 1
        trips += 1
        cells[row].order = trips
        move(row, to: .tripped, at: now)
        say(row, .tripped, at: now)
        demanded.formUnion(rows[row].reactions)
    }

    /// Releases a recovered row whose time has come.
    private mutating func settle(_ row: Int, at now: Instant) {
        guard rows[row].release == .automatic, !cells[row].isLatched,
            now >= cells[row].since + rows[row].releaseAfter
        else { return }
        if now - cells[row].countedFrom > Self.releaseWindow {
            cells[row].releases = 0
            cells[row].countedFrom = now
        }
        cells[row].releases += 1
        // What is only told keeps nobody from anything, however often it is told.
        if cells[row].releases > Self.releaseLimit, rows[row].reactions != .report {
            cells[row].isLatched = true
            say(row, .latched, at: now)
            return
        }
        release(row, at: now)
        demand()
    }

    private mutating func release(_ row: Int, at now: Instant) {
        waiting -= 1
        move(row, to: .quiet, at: now)
        say(row, .released, at: now)
    }

    private mutating func demand() {
        demanded = []
        for row in cells.indices
        where cells[row].phase == .tripped || cells[row].phase == .recovered {
            demanded.formUnion(rows[row].reactions)
        }
    }

    /// The next instant at which a waiting row changes by itself.
    private mutating func plan() {
        deadline = .distantFuture
        guard waiting > 0 else { return }
        for row in cells.indices {
            switch cells[row].phase {
            case .pending: deadline = min(deadline, cells[row].since + rows[row].delay)
            case .recovered where rows[row].release == .automatic && !cells[row].isLatched:
                deadline = min(deadline, cells[row].since + rows[row].releaseAfter)
            default: break
            }
        }
    }

    private mutating func say(_ row: Int, _ kind: InterlockChange.Kind, at now: Instant) {
        guard changes.count < Self.changeLimit else { return }
        changes.append(InterlockChange(row: row, kind: kind, at: now))
    }
}
