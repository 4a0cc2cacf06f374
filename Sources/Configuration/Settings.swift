import Quantities

/// Everything a rig's configuration says, checked and typed. `SettingsReader` makes it from TOML;
/// the defaults written here are the documented ones.
public struct Settings: Equatable, Sendable {
    /// `[campaign]`
    public var campaign = CampaignSettings()
    /// `[loss]`
    public var loss = LossSettings()
    /// `[recipe]`
    public var recipe = RecipeSettings()
    /// The variables of a recipe, in order. Never empty in a checked configuration.
    public var variables: [VariableSettings] = []
    /// The syringe pumps, in order.
    public var pumps: [PumpSettings] = []
    /// `[spectrometer]`
    public var spectrometer = SpectrometerSettings()
    /// `[droplets]`
    public var droplets = DropletSettings()
    /// `[rig]`
    public var rig = RigSettings()
    /// The interlocks, in order; may be empty.
    public var interlocks: [InterlockSettings] = []
    /// What is done when something is wrong, where it is not what is built in; may be empty.
    public var reactions: [ReactionSettings] = []
    /// The values read from chips on I²C buses, in order; may be empty.
    public var sensors: [SensorSettings] = []
    /// The lines the rig drives, in order; may be empty.
    public var outputs: [OutputSettings] = []
    /// The chips with more output lines; may be empty.
    public var expanders: [ExpanderSettings] = []
    /// `[heartbeat]`
    public var heartbeat = HeartbeatSettings()
    /// `[log]`
    public var log = LogSettings()
    /// `[sync]`
    public var sync = SyncSettings()
    /// `[control]`
    public var control = ControlSettings()
    /// `[metrics]`
    public var metrics = MetricsSettings()
    /// `[realtime]`
    public var realtime = RealtimeSettings()
    /// `[simulation]`
    public var simulation = SimulationSettings()

    /// The documented defaults, with no variables and no pumps.
    public init() {}
}

/// `[campaign]`: what is looked for and when to stop.
public struct CampaignSettings: Equatable, Sendable {
    /// A name for people.
    public var name = "campaign"
    /// Seed of every random choice.
    public var seed: UInt64 = 1
    /// Recipes per run.
    public var batch = 15
    /// Runs at most; the first is a Latin hypercube.
    public var runs = 8
    /// Stop when the best condition's median loss is below this.
    public var lossThreshold = 0.05
    /// CSV of the wanted spectrum: wavelength in nm, value. Empty: the built-in prism.
    public var targetPath = ""
    /// Margin by which a proposal must promise to beat the best (expected improvement).
    public var explorationJitter = 0.1
    /// Who proposes recipes.
    public var method = PlanningMethod.twoStep
    /// First run in which the network proposes too (two-step).
    public var handOverRun = 6
    /// The network proposes earlier once the mean cosine of successive networks' predictions is
    /// at least this; 1 does not ask for it.
    public var handOverStability = 1.0
    /// The network proposes earlier once it foresees losses of fresh conditions with a mean
    /// error of at most this; 0 does not ask for it.
    public var handOverError = 0.0
    /// Share of a batch that is the network's once both propose.
    public var networkShare = 0.5
    /// The campaign ends once the mean cosine of successive networks' predictions is at least
    /// this; 1: never.
    public var stopStability = 1.0
    /// The campaign ends once the network foresees losses of fresh conditions with a mean error
    /// of at most this; 0: never.
    public var stopError = 0.0
    /// Conditions models learn from at most: what planning takes, in memory and in time, stays
    /// what it is then, however long the rig goes on.
    public var learnsFrom = 500
    /// Fewest that may be asked for.
    public static let leastLearntFrom = 50
    /// The spectral process sees each variable as the logarithm of its place between the bounds
    /// plus this share of their distance; a large one bends little.
    public var logOffset = 1.0
    /// Whether a variable's bounds widen, towards its limits, when proposals sit on them.
    public var widensBounds = true
    /// Share of a batch that must sit on a bound before it widens.
    public var wideningShare = 0.3
    /// How far a bound moves towards its limit at once, as a share of the way.
    public var wideningStep = 0.5

    /// The documented defaults.
    public init() {}
}

/// Who proposes the recipes of a campaign after its first run.
public enum PlanningMethod: String, CaseIterable, Sendable {
    /// The spectral process first, then a spectrum network beside it.
    case twoStep = "two-step"
    /// A Gaussian process of the loss (the published first step).
    case gaussianProcess = "gaussian-process"
    /// Gaussian processes of what the loss is made of, from whole spectra.
    case spectralProcess = "spectral-process"
}

/// `[loss]`: the grid spectra are compared on and the amplitude window.
public struct LossSettings: Equatable, Sendable {
    /// First wavelength of the grid.
    public var from = Wavelength(nanometers: 380)
    /// Last wavelength of the grid.
    public var through = Wavelength(nanometers: 800)
    /// Distance of the grid points.
    public var step = Wavelength(nanometers: 1)
    /// Below this maximum absorbance the amplitude factor falls linearly to 0.
    public var amplitudeLow = 0.7
    /// Above this maximum absorbance the amplitude factor is 0.
    public var amplitudeHigh = 1.2

    /// The documented defaults.
    public init() {}
}

/// `[recipe]`: what all recipes have in common.
public struct RecipeSettings: Equatable, Sendable {
    /// Largest sum of the reagents' shares of the aqueous flow, 0…1.
    public var maximumReagentShare = 0.9
    /// Name of the pump that carries the solvent that fills the aqueous flow up.
    public var solvent = "solvent"
    /// Name of the pump that carries the oil.
    public var oil = "oil"
    /// Share of the total flow that is oil, 0…1 (exclusive).
    public var oilShare = 0.5

    /// The documented defaults.
    public init() {}
}

/// `[[variable]]`: one number of a recipe.
public struct VariableSettings: Equatable, Sendable {
    /// What the number means.
    public enum Kind: Equatable, Sendable {
        /// Percent of the aqueous flow carried by the pump of this name.
        case reagentPercent(pump: String)
        /// Oil and aqueous flow together, µL/min.
        case totalFlow
        /// A plain number in this unit, which no pump of the rig sets: for planning what is made
        /// elsewhere.
        case free(unit: String)
    }
    /// Name as in published tables, e.g. `Q_AgNO3`.
    public var name: String
    /// What the number is.
    public var kind: Kind
    /// First bounds (percent, or µL/min).
    public var low: Double
    /// The upper first bound.
    public var high: Double
    /// The bounds may widen to these and no further.
    public var lowLimit: Double
    /// The upper limit.
    public var highLimit: Double

    /// A variable.
    public init(
        name: String, kind: Kind, low: Double, high: Double, lowLimit: Double, highLimit: Double
    ) {
        self.name = name
        self.kind = kind
        self.low = low
        self.high = high
        self.lowLimit = lowLimit
        self.highLimit = highLimit
    }

    /// Whether the number is a share of the aqueous flow.
    public var isReagent: Bool {
        if case .reagentPercent = kind { return true }
        return false
    }

    /// The unit of the number, for people; may be empty.
    public var unit: String {
        switch kind {
        case .reagentPercent: "%"
        case .totalFlow: "uL/min"
        case .free(let unit): unit
        }
    }
}
