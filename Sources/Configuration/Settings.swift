import Quantities

/// Everything a rig's configuration says, checked and typed. `SettingsReader` makes it from TOML;
/// the defaults written here are the documented ones.
public struct Settings: Equatable, Sendable {
    public var campaign = CampaignSettings()
    public var loss = LossSettings()
    public var recipe = RecipeSettings()
    /// The variables of a recipe, in order. Never empty in a checked configuration.
    public var variables: [VariableSettings] = []
    public var pumps: [PumpSettings] = []
    public var spectrometer = SpectrometerSettings()
    public var droplets = DropletSettings()
    public var rig = RigSettings()
    public var interlocks: [InterlockSettings] = []
    public var log = LogSettings()
    public var control = ControlSettings()
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
    /// Whether a variable's bounds widen, towards its limits, when proposals sit on them.
    public var widensBounds = true
    /// Share of a batch that must sit on a bound before it widens.
    public var wideningShare = 0.3
    /// How far a bound moves towards its limit at once, as a share of the way.
    public var wideningStep = 0.5

    public init() {}
}

/// `[loss]`: the grid spectra are compared on and the amplitude window, after MISSION 1.
public struct LossSettings: Equatable, Sendable {
    public var from = Wavelength(nanometers: 380)
    public var through = Wavelength(nanometers: 800)
    public var step = Wavelength(nanometers: 1)
    /// Below this maximum absorbance the amplitude factor falls linearly to 0.
    public var amplitudeLow = 0.7
    /// Above this maximum absorbance the amplitude factor is 0.
    public var amplitudeHigh = 1.2

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
    }
    /// Name as in published tables, e.g. `Q_AgNO3`.
    public var name: String
    public var kind: Kind
    /// First bounds (percent, or µL/min).
    public var low: Double
    public var high: Double
    /// The bounds may widen to these and no further.
    public var lowLimit: Double
    public var highLimit: Double

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
}

/// `[[pump]]`: one syringe pump and the line it hangs on. Pumps with the same port share it.
public struct PumpSettings: Equatable, Sendable {
    /// Which language it speaks.
    public enum Dialect: String, CaseIterable, Sendable {
        case newEra = "new-era"
        case harvard
        case legato
        case phdUltra = "phd-ultra"
    }
    /// New Era framing.
    public enum Framing: String, CaseIterable, Sendable { case basic, safe }
    /// Name, which is also what it carries: `AgNO3`, `oil`.
    public var name: String
    public var dialect = Dialect.newEra
    public var port = ""
    public var baud = 19_200
    /// Address on the line, 0…99.
    public var address = 0
    /// New Era only: Safe mode is the default because it arms the pump's own dead-man timer.
    public var framing = Framing.safe
    /// New Era Safe mode only: the pump stops itself after this much silence (1…255 s).
    public var deadMan = TimeSpan.seconds(5)
    public var replyTimeout = TimeSpan.milliseconds(500)
    /// Inner diameter of the syringe.
    public var syringeDiameter = Length(millimeters: 14.43)
    /// What the full syringe holds.
    public var syringeVolume = Volume(microliters: 10_000)
    /// Below this rate (other than zero) the pump is not asked to run; zero: the dialect's own
    /// limit for the syringe.
    public var minimumRate = FlowRate.zero
    /// Above this rate the pump is not asked to run; zero: the dialect's own limit.
    public var maximumRate = FlowRate.zero

    public init(name: String) { self.name = name }
}

/// `[spectrometer]`.
public struct SpectrometerSettings: Equatable, Sendable {
    public var port = ""
    /// Speed at power-up.
    public var baud = 9_600
    /// Speed to change to after connecting (handshake `K`); equal to `baud`: no change.
    public var workingBaud = 115_200
    public var integration = TimeSpan.milliseconds(20)
    /// Wavelength coefficients c0…c3; empty: read from the instrument.
    public var wavelengthCoefficients: [Double] = []
    /// Pixels of the detector.
    public var pixelCount = 2_048
    /// Every how many pixels one is asked for.
    public var pixelStep = 3
    public var compression = true
    public var checksum = true
    /// Counts at and above which a pixel is taken for clipped.
    public var saturationLevel = 64_000
    public var replyTimeout = TimeSpan.milliseconds(500)

    public init() {}
}

/// `[droplets]`: how droplets are told from oil, and which part of each is measured.
public struct DropletSettings: Equatable, Sendable {
    /// The quiet band, where products hardly absorb: its brightness is the measure of drift, and
    /// tells clear droplets from oil at the start.
    public var gateFrom = Wavelength(nanometers: 780)
    public var gateThrough = Wavelength(nanometers: 800)
    /// A droplet starts when a spectrum departs from oil by more than this: the root mean square,
    /// over eight parts of the spectrum and the quiet band, of brightness relative to oil less
    /// one. Clear droplets depart by a few percent (0.03 where oil transmits 0.97)…
    public var enterThreshold = 0.02
    /// …and ends when two spectra in a row depart by less than this.
    public var leaveThreshold = 0.012
    /// Spectra dropped at each end of a droplet, besides those of the caps, whose refraction
    /// makes them unlike its middle.
    public var trim = 1
    /// Fewer plateau spectra than this: not a droplet that counts.
    public var minimumPlateau = 3
    /// A pixel is valid only where the reference is above dark by this many dark sigmas.
    public var validitySigmas = 10.0
    /// Share of valid grid points a droplet spectrum must have.
    public var minimumValidShare = 0.95

    public init() {}
}

/// `[rig]`: how a recipe becomes settled droplets.
public struct RigSettings: Equatable, Sendable {
    /// Volume between the droplet junction and the detector.
    public var deadVolume = Volume(microliters: 60)
    /// Residence volumes to wait for before droplets count.
    public var settleResidences = 3.0
    /// Droplets that make a condition.
    public var droplets = 15
    /// Fewer than this at the time limit: the condition failed.
    public var minimumDroplets = 4
    /// Time a condition may take after settling.
    public var collectLimit = TimeSpan.seconds(300)
    /// Time pumps may take to obey.
    public var obeyLimit = TimeSpan.seconds(10)
    /// Flow used for priming and reference, µL/min in total.
    public var primeFlow = FlowRate(microlitersPerMinute: 600)
    /// Volume pumped through at the start.
    public var primeVolume = Volume(microliters: 180)
    public var darkScans = 16
    public var lampWarmUp = TimeSpan.seconds(5)
    /// Solvent-only droplets that make the reference.
    public var referenceDroplets = 8
    /// Repeat dark and reference when the oil's brightness moved by more than this share.
    public var driftLimit = 0.03
    /// …and at the latest after this many conditions.
    public var referenceEvery = 15
    /// Age at which a pump's confirmed state is stale.
    public var staleAfter = TimeSpan.seconds(3)
    /// Time without any spectrum, while acquiring, after which the detector is blind.
    public var blindAfter = TimeSpan.seconds(2)
    /// Whether pumps stop between conditions.
    public var stopsBetweenConditions = false
    /// A failed condition is repeated at most this often.
    public var conditionRetries = 1

    public init() {}
}

/// `[[interlock]]`: an input that must be in order for pumps to run.
public struct InterlockSettings: Equatable, Sendable {
    public var name: String
    public var chipLabel = ""
    public var line = ""
    /// The logical level that means danger is electrical low when true.
    public var activeLow = false
    /// Latching: stays tripped until `argent clear`, even when the input recovers.
    public var latching = true
    public var debounce = TimeSpan.zero

    public init(name: String) { self.name = name }
}

/// `[log]`.
public struct LogSettings: Equatable, Sendable {
    public var directory = "/var/lib/argent"

    public init() {}
}

/// `[control]`.
public struct ControlSettings: Equatable, Sendable {
    /// Path of the Unix socket that `argent status` and its like talk to.
    public var socket = "/run/argent/control"

    public init() {}
}

/// `[simulation]`: facts of the simulated rig that the agent itself must not know.
public struct SimulationSettings: Equatable, Sendable {
    /// Safetensors file of a dense network recipe → absorbance; empty: the built-in physics.
    public var chemistryPath = ""
    /// Volume of one aqueous droplet.
    public var dropletVolume = Volume(microliters: 1.2)
    /// Time constant with which a pump reaches a new rate.
    public var rampTime = TimeSpan.milliseconds(400)
    /// Relative sd of the droplet amplitude (MISSION 1).
    public var amplitudeScatter = 0.05
    /// Share of that variance that is drift along the droplet index.
    public var driftShare = 0.43
    /// Lag-1 autocorrelation of the rest.
    public var autocorrelation = 0.25
    /// Detector read noise, counts.
    public var readNoise = 12.0
    /// Mean dark level, counts.
    public var darkLevel = 900.0
    /// Relative drift of the lamp per hour.
    public var lampDriftPerHour = 0.01
    /// Seed of the simulated world; independent of the campaign's.
    public var seed: UInt64 = 1

    public init() {}
}
