import Configuration
import Instruments
import Quantities
import Rig

/// What `argent status` shows: a picture of the agent at one moment.
public struct Status: Equatable, Sendable {
    /// One pump.
    public struct Pump: Equatable, Sendable {
        public var name = ""
        /// `absent`, `connecting`, `ready` or `alarm: …`.
        public var link = ""
        public var commandedMicrolitersPerMinute = 0.0
        /// What the pump says it does; nil: it did not say.
        public var actualMicrolitersPerMinute: Double?
        public var remainingMicroliters = 0.0
    }
    /// One fault.
    public struct Fault: Equatable, Sendable {
        public var kind = ""
        public var text = ""
        public var active = false
    }

    public var campaign = ""
    public var state = ""
    public var holdReason = ""
    public var run = 0
    public var runs = 0
    /// Condition that is being run, nil for none.
    public var condition: Int?
    public var conditionsDone = 0
    public var conditionsPlanned = 0
    public var droplets = 0
    public var dropletsWanted = 0
    public var bestLoss: Double?
    public var bestCondition: Int?
    /// Seconds until the end of the campaign, at the pace so far.
    public var secondsLeft: Double?
    public var pumps: [Pump] = []
    public var faults: [Fault] = []
    public var logPath = ""
    /// Why the campaign is over; empty while it is not.
    public var finished = ""

    /// Nothing known.
    public init() {}

    /// The picture as one JSON object. Missing numbers are null, never zero.
    public var json: String {
        JSONText.object { json in
            json.member("campaign", campaign)
            json.member("state", state)
            json.member("hold_reason", holdReason.isEmpty ? nil : holdReason)
            json.member("run", run)
            json.member("runs", runs)
            json.member("condition", condition)
            json.member("conditions_done", conditionsDone)
            json.member("conditions_planned", conditionsPlanned)
            json.member("droplets", droplets)
            json.member("droplets_wanted", dropletsWanted)
            json.member("best_loss", bestLoss)
            json.member("best_condition", bestCondition)
            json.member("seconds_left", secondsLeft)
            json.key("pumps")
            json.array { list in for pump in pumps { list.object { Self.write(pump, to: &$0) } } }
            json.key("faults")
            json.array { list in
                for fault in faults {
                    list.object {
                        $0.member("kind", fault.kind)
                        $0.member("text", fault.text)
                        $0.member("active", fault.active)
                    }
                }
            }
            json.member("log", logPath)
            json.member("finished", finished.isEmpty ? nil : finished)
        }
    }

    private static func write(_ pump: Pump, to json: inout JSONText) {
        json.member("name", pump.name)
        json.member("link", pump.link)
        json.member("commanded_ul_per_min", pump.commandedMicrolitersPerMinute)
        json.member("actual_ul_per_min", pump.actualMicrolitersPerMinute)
        json.member("remaining_ul", pump.remainingMicroliters)
    }
}

extension Status.Pump {
    init(name: String, state: PumpState, commanded: FlowRate, remaining: Volume) {
        self.name = name
        switch state.link {
        case .absent: link = "absent"
        case .connecting: link = "connecting"
        case .ready: link = "ready"
        case .alarmed(let alarm): link = "alarm: \(alarm.rawValue)"
        }
        commandedMicrolitersPerMinute = commanded.microlitersPerMinute
        switch state.actual {
        case nil: actualMicrolitersPerMinute = nil
        case .stopped: actualMicrolitersPerMinute = 0
        case .infusing(let rate, _): actualMicrolitersPerMinute = rate.microlitersPerMinute
        }
        remainingMicroliters = remaining.microliters
    }
}
