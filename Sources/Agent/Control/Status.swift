import Configuration
import Export
import Instruments
import Quantities
import Rig
import Sync
import World

/// What `argent status` shows: a picture of the agent at one moment.
public struct Status: Equatable, Sendable {
    /// One pump.
    public struct Pump: Equatable, Sendable {
        /// Its name.
        public var name = ""
        /// `absent`, `connecting`, `ready` or `alarm: …`.
        public var link = ""
        /// What it was told.
        public var commandedMicrolitersPerMinute = 0.0
        /// What the pump says it does; nil: it did not say.
        public var actualMicrolitersPerMinute: Double?
        /// What is left in its syringe.
        public var remainingMicroliters = 0.0
    }
    /// One fault.
    public struct Fault: Equatable, Sendable {
        /// The hazard, as in `Fault.kind`.
        public var kind = ""
        /// What happened and what to look at.
        public var text = ""
        /// Whether the cause is still there.
        public var active = false
    }

    /// Name of the campaign.
    public var campaign = ""
    /// What the rig is doing (`RigState`).
    public var state = ""
    /// Why it is held; empty when it is not.
    public var holdReason = ""
    /// Run number, from 1; 0 when the campaign is over.
    public var run = 0
    /// Runs at most.
    public var runs = 0
    /// Condition that is being run, nil for none.
    public var condition: Int?
    /// Conditions that gave data.
    public var conditionsDone = 0
    /// Conditions of all runs.
    public var conditionsPlanned = 0
    /// Droplets of the running condition so far.
    public var droplets = 0
    /// Droplets that make a condition.
    public var dropletsWanted = 0
    /// Flags of the running condition's droplets so far (`DropletFlags`); nil: not said.
    public var flags: Int?
    /// Smallest condition loss so far.
    public var bestLoss: Double?
    /// The condition that has it.
    public var bestCondition: Int?
    /// What came of every proposer's recipes, run by run.
    public var proposers: [Summary.Proposer] = []
    /// Seconds until the end of the campaign, at the pace so far.
    public var secondsLeft: Double?
    /// All pumps, in configuration order.
    public var pumps: [Pump] = []
    /// What keeps the rig safe.
    public var faults: [Fault] = []
    /// Where the log lies.
    public var logPath = ""
    /// Who serves the log to workstations; nil where nobody does.
    public var sync: SyncStatus?
    /// Why the campaign is over; empty while it is not.
    public var finished = ""
    /// Which configuration is in force; nil: not said.
    public var configuration: ConfigurationStatus?
    /// How the rig's thread keeps its times; nil: not measured.
    public var realtime: Realtime?
    /// What came of every run so far.
    public var runResults: [Summary.Run] = []
    /// The last droplet that counted; nil: none in this process.
    public var lastDroplet: Droplet?
    /// Droplets that counted in this process.
    public var dropletsCounted = 0
    /// How often each hazard was told of in this process.
    public var faultsTold: [Hazard: Int] = [:]
    /// All sensors, in configuration order.
    public var sensors: [Sensor] = []
    /// What surrounds the rig: disk, board, process; nil: not looked at yet.
    public var surroundings: Surroundings?
    /// When the process began, Unix time in seconds; 0: not known.
    public var startedAt = 0.0

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
            json.member("flags", flags)
            json.member("best_loss", bestLoss)
            json.member("best_condition", bestCondition)
            json.member("seconds_left", secondsLeft)
            json.key("proposers")
            json.array { list in
                for row in proposers {
                    list.object {
                        $0.member("run", row.run)
                        $0.member("proposer", row.name)
                        $0.member("conditions", row.complete)
                        $0.member("best_loss", row.bestLoss)
                        $0.member("median_loss", row.medianLoss)
                    }
                }
            }
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
            if let realtime {
                json.key("realtime")
                json.object { realtime.write(to: &$0) }
            }
            if let configuration {
                json.key("configuration")
                json.object { configuration.write(to: &$0) }
            }
            json.member("log", logPath)
            if let sync {
                json.key("sync")
                json.object { Self.write(sync, to: &$0) }
            }
            writeParts(to: &json)
            json.member("finished", finished.isEmpty ? nil : finished)
        }
    }

    private static func write(_ sync: SyncStatus, to json: inout JSONText) {
        json.member("listening", sync.listening.isEmpty ? nil : sync.listening)
        json.member("problem", sync.problem.isEmpty ? nil : sync.problem)
        json.member("connections", sync.connections)
        json.member("refused", sync.refused)
        json.member(
            "last_pull_unix_s", sync.lastPull.map { Double($0.unixNanoseconds / 1_000_000_000) })
        json.member("last_peer", sync.lastPeer.isEmpty ? nil : sync.lastPeer)
        json.member("unacknowledged_bytes", sync.unacknowledgedBytes.map { Double($0) })
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
