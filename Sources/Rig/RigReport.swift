import Instruments
import Quantities
import Spectra

/// A condition the rig is asked to run.
public struct ConditionOrder: Equatable, Sendable {
    /// The run it belongs to, from 1.
    public var run: Int
    /// Its number, from 1 across the campaign.
    public var number: Int
    /// Which try this is, from 1.
    public var attempt: Int
    /// Values in the order of the configured variables.
    public var recipe: [Double]
    /// The absorbance that a model expects on the loss grid, for a watch over the droplets;
    /// empty: nobody expects anything.
    public var expectedSpectrum: [Float]
    /// How far such expectations usually are from what is measured: |A − expected| / |expected|
    /// over all points, above 0 where there is an expectation.
    public var expectedSpread: Double

    /// A condition to run.
    public init(
        run: Int, number: Int, attempt: Int, recipe: [Double], expectedSpectrum: [Float] = [],
        expectedSpread: Double = 0
    ) {
        self.run = run
        self.number = number
        self.attempt = attempt
        self.recipe = recipe
        self.expectedSpectrum = expectedSpectrum
        self.expectedSpread = expectedSpread
    }
}

/// How a condition ended.
public enum ConditionOutcome: Equatable, Sendable {
    /// Enough droplets; the losses are those of its droplets, in order.
    case complete(losses: [Double])
    /// Not enough droplets in time, or the recipe cannot be run; trying again is up to the
    /// caller.
    case failed(reason: Words)
    /// Broken off by a hold or a fault; to be tried again.
    case abandoned(reason: Words)
}

/// What the rig tells those above it, in order.
public enum RigReport: Equatable, Sendable {
    /// It is in another state now.
    case state(RigState, because: RigEvent)
    /// A condition begins.
    case conditionBegan(ConditionOrder)
    /// What the pumps are told now.
    case setpoints([FlowRate])
    /// A droplet of the running condition counts.
    case droplet(MeasuredDroplet)
    /// A droplet is far from those before it, or from what was expected. It counts.
    case flagged(ConditionOrder, DropletWatch.Departure)
    /// The condition ends before all of its droplets, because its median is known; its end
    /// follows.
    case endsEarly(ConditionOrder, MedianStop.Known)
    /// The condition is over.
    case conditionEnded(ConditionOrder, ConditionOutcome)
    /// A dark or a reference was taken.
    case spectra(KeptSpectra)
    /// What is left in the syringes.
    case remaining([Volume])
    /// Something worth knowing.
    case event(kind: String, text: Words)
    /// A fault came up.
    case fault(Fault)
}

/// A droplet of a condition, measured.
public struct MeasuredDroplet: Equatable, Sendable {
    /// The condition it belongs to.
    public var order: ConditionOrder
    /// Index within the condition, from 0.
    public var index: Int
    /// When it entered the beam.
    public var enteredAt: Instant
    /// When it left the beam.
    public var leftAt: Instant
    /// Spectra on its plateau.
    public var plateau: Int
    /// Its loss.
    public var loss: Double
    /// Largest absorbance on the grid.
    public var maximumAbsorbance: Double
    /// Absorbance on the loss grid; NaN where invalid.
    public var absorbance: [Double]
}

/// Raw counts worth keeping.
public struct KeptSpectra: Equatable, Sendable {
    /// `dark` or `reference`.
    public var kind: String
    /// Scans, or droplets, that went into it.
    public var scans: Int
    /// The plan they were taken under.
    public var plan: AcquisitionPlan
    /// Largest single count among them.
    public var maximumCount: Int
    /// Mean counts, in the order of the plan's pixels.
    public var counts: [Double]
}

/// What the rig wants done to its instruments, in order.
public enum RigCommand: Equatable, Sendable {
    /// A new goal for pump `index`.
    case pump(Int, PumpGoal)
    /// A new plan for the spectrometer.
    case spectrometer(AcquisitionPlan)
    /// The operator saw pump `index`'s alarm.
    case acknowledgeAlarm(pump: Int)
}

/// What an operator can ask of the rig.
public enum OperatorCommand: Equatable, Sendable {
    /// Stop the pumps and wait.
    case hold(reason: String)
    /// Go on after a hold.
    case resume
    /// Clear the faults whose cause is gone.
    case clear
    /// These syringes were filled (all when empty).
    case refilled(pumps: [String])
}
