import Configuration
import Export
import Quantities
import Rig
import World

extension Status {
    /// How the rig's thread keeps its times.
    public struct Realtime: Equatable, Sendable {
        /// How long something took, or came late, over the whole process.
        public struct Spans: Equatable, Sendable {
            /// What: `lateness`, or a stage.
            public var name = ""
            /// Half of them were not longer than this, microseconds.
            public var median = 0.0
            /// 99 of 100 were not longer than this, microseconds.
            public var percentile99 = 0.0
            /// 999 of 1000 were not longer than this, microseconds.
            public var permille999 = 0.0
            /// The longest, microseconds.
            public var maximum = 0.0
            /// The stage's budget, microseconds; nil for none.
            public var budget: Double?
            /// How many were longer than that.
            public var overBudget = 0
        }
        /// Priority under SCHED_FIFO that was asked for; 0: none.
        public var priority = 0
        /// Time from one turn to the next, microseconds.
        public var period = 0.0
        /// Turns so far, those for input between two of the schedule too.
        public var turns = 0
        /// Turns of the schedule that were left out.
        public var missed = 0
        /// Lateness first, then the stages.
        public var spans: [Spans] = []
        /// What the thread runs without, and how to grant it.
        public var lost: [String] = []

        /// Nothing measured.
        public init() {}
    }
}

extension Status.Realtime.Spans {
    init(_ name: String, _ histogram: DurationHistogram, budget: TimeSpan? = nil) {
        func microseconds(_ span: TimeSpan) -> Double { Double(span.nanoseconds) / 1_000 }
        self.name = name
        median = microseconds(histogram.quantile(0.5))
        percentile99 = microseconds(histogram.quantile(0.99))
        permille999 = microseconds(histogram.quantile(0.999))
        maximum = microseconds(histogram.maximum)
        self.budget = budget.map(microseconds)
        if let budget { overBudget = histogram.count(above: budget) }
    }
}

extension Status.Realtime {
    init(_ meter: RigMeter, settings: RealtimeSettings, lost: [String]) {
        priority = settings.priority
        period = Double(settings.period.nanoseconds) / 1_000
        turns = meter.turns
        missed = meter.missed
        spans = [Spans("lateness", meter.lateness)]
        for stage in RigStage.allCases {
            spans.append(
                Spans(stage.name, meter.stages[stage.rawValue], budget: stage.budget))
        }
        self.lost = lost
    }

    func write(to json: inout JSONText) {
        json.member("priority", priority)
        json.member("period_us", period)
        json.member("turns", turns)
        json.member("missed_turns", missed)
        json.key("spans")
        json.array { list in
            for span in spans {
                list.object {
                    $0.member("name", span.name)
                    $0.member("median_us", span.median)
                    $0.member("p99_us", span.percentile99)
                    $0.member("p999_us", span.permille999)
                    $0.member("max_us", span.maximum)
                    $0.member("budget_us", span.budget)
                    $0.member("over_budget", span.overBudget)
                }
            }
        }
        json.key("lost")
        json.array { list in for text in lost { list.string(text) } }
    }
}

extension Status {
    /// Takes over what `picture` shows of the rig, whose pumps are called `names`.
    mutating func show(_ picture: RigPicture, names: [String]) {
        state = picture.state.rawValue
        holdReason = picture.holdWords.description
        condition = picture.condition
        droplets = picture.droplets
        flags = picture.flags
        pumps = names.indices.map { index in
            Pump(
                name: names[index], state: picture.pumps[index],
                commanded: picture.commanded[index], remaining: picture.remaining[index])
        }
        for index in sensors.indices where picture.readings.indices.contains(index) {
            let value = picture.readings[index]
            sensors[index].value = value.isFinite ? value : nil
        }
        faults = picture.faults.map { fault in
            var shown = Fault()
            shown.kind = fault.kind
            shown.text = fault.text
            shown.active = fault.active
            return shown
        }
    }
}
