import Quantities

/// One entry of the run log. Every input of the campaign and everything it decided is here, so
/// that the log alone reproduces every decision.
public struct Record: Equatable, Sendable {
    /// Monotonic time, comparable only with records of the same boot.
    public var at: Instant
    /// Time of day, as the board knew it.
    public var wall: WallTime
    /// What happened.
    public var body: Body

    /// A record.
    public init(at: Instant, wall: WallTime, body: Body) {
        self.at = at
        self.wall = wall
        self.body = body
    }

    /// The record types. New cases get new tags; tags are never reused.
    public enum Body: Equatable, Sendable {
        /// A process took up the campaign: program version, boot, seed, whether it continues.
        case start(version: String, bootIdentifier: String, seed: UInt64, continues: Bool)
        /// The configuration text in force, with its SHA-256.
        case configuration(text: String, sha256: String)
        /// The planner's choice of one run: its recipes and the inputs that decided them.
        case decision(DecisionRecord)
        /// A condition begins: which one, which attempt, its recipe.
        case recipe(run: Int, condition: Int, attempt: Int, values: [Double])
        /// What the pumps were told, µL/min, by pump name.
        case setpoints([NamedValue])
        /// Readings of a moment; nil is "missing", never zero.
        case readings([NamedReading])
        /// One droplet that counts.
        case droplet(DropletRecord)
        /// Raw counts of a dark, a reference, or a droplet's plateau median.
        case spectra(SpectraRecord)
        /// A condition ended.
        case conditionEnd(ConditionRecord)
        /// Something worth knowing: an instrument connected, bounds widened, a reference taken.
        case event(kind: String, text: String)
        /// Something that stopped or hindered the rig; `latched` needs `argent clear`.
        case fault(kind: String, text: String, latched: Bool)
        /// Somebody did something: hold, resume, clear.
        case operatorAction(kind: String, text: String)
        /// The time of day jumped by this much against the monotonic clock.
        case clockStep(nanoseconds: Int64)
        /// The process ended: why.
        case stop(reason: String)
        /// Raw frames of the spectrometer, many in one block.
        case spectraBlock(SpectraBlockRecord)
    }
}

/// A number with a name.
public struct NamedValue: Equatable, Sendable {
    /// What it is the number of.
    public var name: String
    /// The number, in the unit of the list it is in.
    public var value: Double

    /// A number with a name.
    public init(name: String, value: Double) {
        self.name = name
        self.value = value
    }
}

/// A reading with its validity: nil where there is none.
public struct NamedReading: Equatable, Sendable {
    /// What was read.
    public var name: String
    /// The number, in the unit its name says; nil where there is none.
    public var value: Double?

    /// A reading, or the lack of one.
    public init(name: String, value: Double?) {
        self.name = name
        self.value = value
    }
}

/// The planner's choice of one run.
public struct DecisionRecord: Equatable, Sendable {
    /// Run number, from 1.
    public var run: Int
    /// `latin-hypercube`, `gaussian-process`, `spectral-process` or `two-step`.
    public var method: String
    /// Bounds in force, low and high per variable.
    public var lows: [Double]
    /// The high ones: percent or µL/min, as the variable is.
    public var highs: [Double]
    /// The recipes, in order.
    public var recipes: [[Double]]
    /// Conditions that were known, by number: the decision's data are their recipes and medians
    /// in this same log.
    public var basedOn: [Int]
    /// Model parameters by name (length scales, noise, likelihood, best loss, …).
    public var model: [NamedValue]
    /// Who proposed each recipe; empty in logs that do not say.
    public var proposers: [String]
    /// What came of every proposer's recipes in the runs before; empty in logs that do not say.
    public var comparison: [ProposerRecord]
    /// Absorbance a network foresees, recipe after recipe, as many points each; empty without.
    public var expected: [Float]
    /// How far such a forecast usually is from a droplet, |A − expected| / |expected|; 0 without.
    public var expectedSpread: Double

    /// A decision.
    public init(
        run: Int, method: String, lows: [Double], highs: [Double], recipes: [[Double]],
        basedOn: [Int], model: [NamedValue], proposers: [String] = [],
        comparison: [ProposerRecord] = [], expected: [Float] = [], expectedSpread: Double = 0
    ) {
        self.run = run
        self.method = method
        self.lows = lows
        self.highs = highs
        self.recipes = recipes
        self.basedOn = basedOn
        self.model = model
        self.proposers = proposers
        self.comparison = comparison
        self.expected = expected
        self.expectedSpread = expectedSpread
    }
}

/// What came of one proposer's recipes in one run.
public struct ProposerRecord: Equatable, Sendable {
    /// Run number, from 1.
    public var run: Int
    /// Its name, as in `DecisionRecord.proposers`.
    public var proposer: String
    /// Conditions that gave data.
    public var conditions: Int
    /// Smallest of their losses.
    public var bestLoss: Double
    /// Median of their losses.
    public var medianLoss: Double

    /// What came of it.
    public init(
        run: Int, proposer: String, conditions: Int, bestLoss: Double, medianLoss: Double
    ) {
        self.run = run
        self.proposer = proposer
        self.conditions = conditions
        self.bestLoss = bestLoss
        self.medianLoss = medianLoss
    }
}

/// One droplet that counts.
public struct DropletRecord: Equatable, Sendable {
    /// Number of the condition in the campaign, from 1.
    public var condition: Int
    /// Attempt at it, from 1.
    public var attempt: Int
    /// Index within the condition, from 0.
    public var index: Int
    /// When it entered the beam.
    public var enteredAt: Instant
    /// When it left it.
    public var leftAt: Instant
    /// Spectra in its plateau.
    public var plateau: Int
    /// Its loss, 0…2.
    public var loss: Double
    /// Largest absorbance on the loss grid.
    public var maximumAbsorbance: Double
    /// Absorbance on the loss grid; NaN where invalid.
    public var absorbance: [Float]

    /// One droplet.
    public init(
        condition: Int, attempt: Int, index: Int, enteredAt: Instant, leftAt: Instant,
        plateau: Int, loss: Double, maximumAbsorbance: Double, absorbance: [Float]
    ) {
        self.condition = condition
        self.attempt = attempt
        self.index = index
        self.enteredAt = enteredAt
        self.leftAt = leftAt
        self.plateau = plateau
        self.loss = loss
        self.maximumAbsorbance = maximumAbsorbance
        self.absorbance = absorbance
    }
}

/// Raw counts worth keeping.
public struct SpectraRecord: Equatable, Sendable {
    /// `dark`, `reference` or `oil`.
    public var kind: String
    /// Scans that went into it.
    public var scans: Int
    /// Exposure of one scan.
    public var integration: TimeSpan
    /// Detector pixel of the first count.
    public var firstPixel: Int
    /// Detector pixels from one count to the next.
    public var pixelStep: Int
    /// Largest single count among the scans; at or above the clip level the record is suspect.
    public var maximumCount: Int
    /// Mean counts of the scans, per pixel.
    public var counts: [Float]

    /// Raw counts.
    public init(
        kind: String, scans: Int, integration: TimeSpan, firstPixel: Int, pixelStep: Int,
        maximumCount: Int, counts: [Float]
    ) {
        self.kind = kind
        self.scans = scans
        self.integration = integration
        self.firstPixel = firstPixel
        self.pixelStep = pixelStep
        self.maximumCount = maximumCount
        self.counts = counts
    }
}

/// How a condition ended.
public struct ConditionRecord: Equatable, Sendable {
    /// Run it belongs to, from 1.
    public var run: Int
    /// Number of the condition in the campaign, from 1.
    public var condition: Int
    /// Attempt at it, from 1.
    public var attempt: Int
    /// `complete`, `failed` (tried and given up: counts as no data) or `abandoned` (will be
    /// tried again).
    public var outcome: String
    /// Droplets that counted.
    public var droplets: Int
    /// Median loss of its droplets; nil unless complete.
    public var medianLoss: Double?
    /// Why, when not complete.
    public var reason: String

    /// An end.
    public init(
        run: Int, condition: Int, attempt: Int, outcome: String, droplets: Int,
        medianLoss: Double?, reason: String
    ) {
        self.run = run
        self.condition = condition
        self.attempt = attempt
        self.outcome = outcome
        self.droplets = droplets
        self.medianLoss = medianLoss
        self.reason = reason
    }
}
