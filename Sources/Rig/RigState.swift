/// What the rig is doing.
public enum RigState: String, CaseIterable, Sendable {
    /// Waiting for every instrument to be found, configured and obedient. Nothing moves.
    case connecting
    /// Filling every line with its liquid.
    case priming
    /// Lamp off: what the detector says in the dark.
    case darkening
    /// Lamp on: waiting for it to be steady and for solvent-only droplets to arrive.
    case warming
    /// Gathering solvent-only droplets.
    case referencing
    /// Able to take a recipe.
    case ready
    /// Pumps were told a recipe and have not all confirmed it.
    case starting
    /// The recipe flows; droplets made before it still pass the detector.
    case settling
    /// Droplets count.
    case collecting
    /// Pumps slow down to a stop because something is not in order.
    case ramping
    /// An operator, or something that is not in order, asked for a pause. Nothing moves.
    case held
    /// Something is not in order. Nothing moves until it is, and is cleared.
    case safe
}

/// What can happen to the rig.
public enum RigEvent: String, CaseIterable, Sendable {
    /// Every instrument obeys; the lines were never primed.
    case connected
    /// Every instrument obeys; the lines are primed; there is no valid reference.
    case connectedPrimed = "connected-primed"
    /// Every instrument obeys; the lines are primed; the reference is valid.
    case connectedReferenced = "connected-referenced"
    /// The volume that was waited for has passed.
    case volumePassed = "volume-passed"
    /// Enough scans.
    case scansTaken = "scans-taken"
    /// The lamp is warm and solvent-only droplets pass the detector.
    case warmedUp = "warmed-up"
    /// Enough droplets.
    case dropletsEnough = "droplets-enough"
    /// The time for this step is over.
    case timeUp = "time-up"
    /// The reference is too old or has drifted.
    case referenceDue = "reference-due"
    /// A recipe is to be run.
    case ordered
    /// Every pump confirmed its setpoint.
    case obeyed
    /// The recipe is none that this rig can run.
    case refused
    /// An operator (or an empty syringe) asks for a pause.
    case hold
    /// An operator lets it go on.
    case resume
    /// A fault came up that stops everything.
    case trip
    /// A fault came up that lets the pumps slow down.
    case rampDown = "ramp-down"
    /// The last fault that keeps the rig safe is gone and cleared.
    case released
}

/// What the rig does on its way from one state to the next.
public enum RigAction: String, CaseIterable, Sendable {
    /// Nothing beside the change of state.
    case none
    /// Stop every pump; the lamp stays as it is.
    case stopPumps = "stop-pumps"
    /// Every pump runs, lamp off, until the lines are full.
    case prime
    /// Solvent and oil run, lamp off, scans are taken.
    case takeDark = "take-dark"
    /// Lamp on.
    case warmLamp = "warm-lamp"
    /// Droplets of solvent are gathered.
    case takeReference = "take-reference"
    /// The reference is computed and becomes valid.
    case keepReference = "keep-reference"
    /// Setpoints go out.
    case startRecipe = "start-recipe"
    /// The recipe is running: wait for the tube to be renewed.
    case settle
    /// Droplets count from here on.
    case collect
    /// The condition is over; its droplets are judged.
    case endCondition = "end-condition"
    /// The condition is broken off and will be tried again; pumps stop.
    case abandon
    /// Pumps stop, lamp off where that is demanded; a running condition is broken off.
    case makeSafe = "make-safe"
    /// Pumps begin to slow down; a running condition is broken off.
    case beginRamp = "begin-ramp"
    /// The step did not get what it needs: raise a fault.
    case raiseFault = "raise-fault"
}

/// One row of the rig's table: in `state`, on `event`, do `action` and be in `next`.
public struct RigTransition: Equatable, Sendable {
    /// Where it applies.
    public let state: RigState
    /// On what.
    public let event: RigEvent
    /// What is done.
    public let action: RigAction
    /// Where it leads.
    public let next: RigState
}

/// The whole behaviour of the rig as one table. A pair that has no row changes nothing: the
/// event is of no concern in that state.
public enum RigTable {
    /// Every row.
    public static let rows: [RigTransition] = specific + everywhere

    /// The row for `event` in `state`, if any.
    public static func row(_ state: RigState, _ event: RigEvent) -> RigTransition? {
        index[slot(state, event)]
    }

    private static func row(
        _ state: RigState, _ event: RigEvent, _ action: RigAction, _ next: RigState
    ) -> RigTransition {
        RigTransition(state: state, event: event, action: action, next: next)
    }

    private static let specific: [RigTransition] = [
        row(.connecting, .connected, .prime, .priming),
        row(.connecting, .connectedPrimed, .takeDark, .darkening),
        row(.connecting, .connectedReferenced, .none, .ready),

        row(.priming, .volumePassed, .takeDark, .darkening),
        row(.priming, .timeUp, .raiseFault, .priming),

        row(.darkening, .scansTaken, .warmLamp, .warming),
        row(.darkening, .timeUp, .raiseFault, .darkening),

        row(.warming, .warmedUp, .takeReference, .referencing),

        row(.referencing, .dropletsEnough, .keepReference, .ready),
        row(.referencing, .timeUp, .raiseFault, .referencing),

        row(.ready, .ordered, .startRecipe, .starting),
        row(.ready, .referenceDue, .takeDark, .darkening),
        row(.ready, .timeUp, .stopPumps, .ready),

        row(.starting, .obeyed, .settle, .settling),
        row(.starting, .refused, .stopPumps, .ready),
        row(.starting, .timeUp, .raiseFault, .starting),

        row(.settling, .volumePassed, .collect, .collecting),

        row(.collecting, .dropletsEnough, .endCondition, .ready),
        row(.collecting, .timeUp, .endCondition, .ready),

        row(.ramping, .timeUp, .makeSafe, .safe),
        // Whoever asks for a hold now wants no more flow.
        row(.ramping, .hold, .makeSafe, .safe),
        row(.held, .resume, .none, .connecting),
        row(.safe, .released, .none, .connecting),
        // Nothing moves there that could slow down.
        row(.connecting, .rampDown, .makeSafe, .safe),
        row(.held, .rampDown, .makeSafe, .safe),
    ]

    /// States in which pumps may run.
    private static let moving = RigState.allCases.filter {
        ![.connecting, .ramping, .held, .safe].contains($0)
    }

    /// A trip leads to the safe state from everywhere (from the safe state too: the outputs are
    /// set again), a hold from everywhere but there and where it already is.
    private static let everywhere: [RigTransition] =
        RigState.allCases.map { row($0, .trip, .makeSafe, .safe) }
        + (moving + [.connecting]).map { row($0, .hold, .abandon, .held) }
        + moving.map { row($0, .rampDown, .beginRamp, .ramping) }

    private static func slot(_ state: RigState, _ event: RigEvent) -> Int {
        let states = RigState.allCases
        let events = RigEvent.allCases
        return states.firstIndex(of: state)! * events.count + events.firstIndex(of: event)!
    }

    private static let index: [RigTransition?] = {
        let count = RigState.allCases.count * RigEvent.allCases.count
        var index = [RigTransition?](repeating: nil, count: count)
        for row in rows {
            let place = slot(row.state, row.event)
            precondition(index[place] == nil, "two rows for \(row.state) on \(row.event)")
            index[place] = row
        }
        return index
    }()
}
