import Configuration
import Numerics
import Quantities
import Rig

/// Storms of random events on the interlock matrix in the rig.
let interlockFuzzers: [Fuzzer] = [
    Fuzzer(name: "interlocks/storm") { try InterlockStorm().trial }
]

/// One input is a rig and a number of events, two bytes each: what happens, and how long until
/// the next turn. Between two events the rig has one turn.
struct InterlockStorm {
    /// Events of one input.
    static let events = 256
    /// Rigs with different reactions to choose from.
    static let rigs = 12

    /// What fired in all of them.
    let tally = StormTally()
    private let rigs: [StormRig]
    /// What the oracle goes by.
    private let tables: [Settings]

    /// Storms on rigs; those that do not react to limits of `deaf` are there to be caught.
    init(deafTo deaf: Hazard? = nil) throws {
        var random = SeededGenerator(seed: 2).split("storm rigs")
        var rigs: [StormRig] = []
        var tables: [Settings] = []
        for _ in 0..<Self.rigs {
            let settings = StormSettings.make(&random)
            tables.append(settings)
            var built = settings
            for index in built.reactions.indices where built.reactions[index].hazard == deaf {
                built.reactions[index].above?.value = .greatestFiniteMagnitude
            }
            rigs.append(try StormRig(built))
        }
        self.rigs = rigs
        self.tables = tables
    }

    var trial: Fuzzer.Trial {
        Fuzzer.Trial(
            input: { random in
                (0..<(1 + 2 * Self.events)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            }, run: { bytes, _ in try run(bytes) }, tally: { tally.text })
    }

    /// Plays `bytes`. Accepted: the rig works, or can, at the end; refused: it is kept still.
    func run(_ bytes: [UInt8]) throws -> FuzzOutcome {
        guard let first = bytes.first else { return .refused }
        tally.beginStorm()
        defer { tally.endStorm() }
        let which = Int(first) % rigs.count
        var storm = Storm(rigs[which], tables[which], tally)
        var place = 1
        while place + 1 < bytes.count {
            do {
                tally.events += 1
                try storm.act(bytes[place], Int(bytes[place + 1]))
                try storm.turn(.milliseconds(10 + Int64(bytes[place + 1]) * 490 / 255))
            } catch let failure as FuzzFailure {
                throw FuzzFailure("event \(place / 2): \(failure)")
            }
            place += 2
        }
        let state = storm.rig.controller.state
        return [.held, .safe, .ramping].contains(state) ? .refused : .accepted
    }
}

/// A rig in a storm, and what must hold.
private struct Storm {
    var rig: StormRig
    private var oracle: StormOracle
    private let table: Settings
    private let tally: StormTally
    /// Events for which nothing goes wrong: the rig gets on with its work.
    private var calm = 0
    /// When the sensors said something last.
    private var heard: [Instant]

    init(_ rig: StormRig, _ table: Settings, _ tally: StormTally) {
        self.rig = rig
        self.rig.tally = tally
        self.tally = tally
        self.table = table
        oracle = StormOracle(table)
        heard = rig.values.map { _ in rig.now }
    }

    mutating func turn(_ span: TimeSpan) throws {
        rig.turn(span)
        for index in heard.indices where rig.values[index] != nil { heard[index] = rig.now }
        if let what = oracle.look(rig, heard: heard) { throw FuzzFailure(what) }
    }

    /// What happens, by `kind`; `which` says to whom.
    mutating func act(_ kind: UInt8, _ which: Int) throws {
        if calm > 0 {
            calm -= 1
            return rig.order()
        }
        switch kind % 48 {
        case 0, 1:
            let states: [Bool?] = [true, false, nil, false]
            rig.lines[which % 2] = states[which / 2 % 4]
            rig.controller.interlock(which % 2, danger: rig.lines[which % 2], at: rig.now)
        case 2: rig.values[which % 3] = [90, 400, 2][which % 3]
        case 3: rig.values[which % 3] = nil
        case 4: for index in 0..<3 { rig.values[index] = StormRig.usual[index] }
        case 5: rig.alarm(which % 3)
        case 6: rig.lose(which % 4, true)
        case 7: rig.lose(which % 4, false)
        case 8: rig.isLogBroken.toggle()
        case 9: rig.isHeartBroken.toggle()
        case 10: rig.controller.clockStepped(by: .seconds(3_600), at: rig.now)
        case 11: rig.isBlind.toggle()
        case 12: rig.silent[which % 3].toggle()
        case 13: rig.disobedient[which % 3].toggle()
        case 14: _ = rig.controller.operate(.hold(reason: "a storm"), at: rig.now)
        case 15, 16: _ = rig.controller.operate(.resume, at: rig.now)
        case 17, 18: clear()
        case 19: rig.controller.logBudget(shortage: which % 2 == 0 ? "9 %" : nil, at: rig.now)
        case 20...25: rig.order()
        case 26...29:
            // A person comes: everything is mended, cleared and resumed.
            rig.mend()
            try turn(.milliseconds(20))
            clear()
            _ = rig.controller.operate(.resume, at: rig.now)
            calm = which / 4
        case 30: rig.flowFactor = [0, 0.3, 1, 2][which % 4]
        case 31: rig.isFlowSilent.toggle()
        case 32 where which % 4 == 0: restart()
        default: break
        }
    }

    /// The process is started anew; what is wrong stays wrong, what was latched is forgotten.
    private mutating func restart() {
        tally.restarts += 1
        rig.restart()
        oracle = StormOracle(table)
        for index in heard.indices { heard[index] = rig.now }
    }

    private mutating func clear() {
        _ = rig.controller.operate(.clear, at: rig.now)
        rig.carryOut()
        oracle.cleared(rig, heard: heard)
    }
}
