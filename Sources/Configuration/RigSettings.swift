import Quantities

/// `[droplets]`: how droplets are told from oil, and which part of each is measured.
public struct DropletSettings: Equatable, Sendable {
    /// The quiet band, where products hardly absorb: its brightness is the measure of drift, and
    /// tells clear droplets from oil at the start.
    public var gateFrom = Wavelength(nanometers: 780)
    /// Upper end of that band.
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
    /// A droplet is flagged when its amplitude is more than this share above that of the droplets
    /// before it, or as many times below…
    public var flagAmplitude = 0.35
    /// …or when its shape is further than this from theirs (tangent of the angle between the
    /// spectra's slopes over 20 nm: 0 the same, 1 at 45°)…
    public var flagShape = 0.2
    /// …and only when that is also more than this many times what they depart from their own
    /// median.
    public var flagMultiple = 4.0
    /// A droplet is flagged as well when it is further from what a network expected than this
    /// many times the network's usual error.
    public var flagNetwork = 3.0

    /// The documented defaults.
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
    /// A condition ends before `droplets` once its median loss is known to within this (but for
    /// 5 % of the conditions), after eight droplets at the earliest. 0: never.
    public var medianUncertainty = 0.0
    /// So many droplets in a row flagged against their neighbours are told as one loud event…
    public var flaggedRun = 3
    /// …and hold the rig, where this says so.
    public var holdsOnFlaggedRun = false
    /// Time a condition may take after settling.
    public var collectLimit = TimeSpan.seconds(300)
    /// Time pumps may take to obey.
    public var obeyLimit = TimeSpan.seconds(10)
    /// Flow used for priming and reference, µL/min in total.
    public var primeFlow = FlowRate(microlitersPerMinute: 600)
    /// Volume pumped through at the start.
    public var primeVolume = Volume(microliters: 180)
    /// Scans that make the dark.
    public var darkScans = 16
    /// Time the lamp burns before the first reference.
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

    /// The documented defaults.
    public init() {}
}

/// `[[interlock]]`: an input that must be in order for pumps to run.
public struct InterlockSettings: Equatable, Sendable {
    /// Name for people.
    public var name: String
    /// Label of the GPIO chip, e.g. `pinctrl-rp1`.
    public var chipLabel = ""
    /// Name of the line on that chip, or its offset as digits.
    public var line = ""
    /// The logical level that means danger is electrical low when true.
    public var activeLow = false
    /// Latching: stays tripped until `argent clear`, even when the input recovers.
    public var latching = true
    /// Time the input must hold a level before it counts.
    public var debounce = TimeSpan.zero

    /// An interlock with the documented defaults.
    public init(name: String) { self.name = name }
}

/// `[log]`: where the run log lies, and when its segments end.
public struct LogSettings: Equatable, Sendable {
    /// Folder of the campaigns' run logs.
    public var directory = "/var/lib/argent"
    /// Bytes at which a segment ends and is sealed.
    public var segmentSize = 16_000_000
    /// Age at which it does, however small it is.
    public var segmentAge = TimeSpan.seconds(900)
    /// Bytes the log may take on the disk.
    public var diskBudget = 8_000_000_000
    /// Bytes of the file system the log leaves free.
    public var diskReserve = 200_000_000
    /// Whether every raw frame is kept, beside the droplets' spectra.
    public var rawFrames = false

    /// The documented defaults.
    public init() {}
}

/// `[sync]`: who may fetch the log over the network, and what is put up with.
public struct SyncSettings: Equatable, Sendable {
    /// `ADDRESS:PORT` to listen on; empty: nobody can connect.
    public var listen = ""
    /// Folder of this rig's key, the accepted peers and what they acknowledged.
    public var identity = "/var/lib/argent/identity"
    /// What the rig calls itself to peers; empty: the campaign's name.
    public var name = ""
    /// Accepted peers served at once.
    public var peers = 4
    /// Connections taken within a minute from everywhere; a third of it from one address.
    public var connectionsPerMinute = 60
    /// Time from a connection to the end of its handshake.
    public var handshakeLimit = TimeSpan.seconds(10)
    /// Time without a request, or without taking an answer, after which a peer is shed.
    public var idleLimit = TimeSpan.seconds(60)
    /// Time of a connection in all.
    public var connectionLimit = TimeSpan.seconds(6 * 3_600)
    /// Bytes under way to one peer at most.
    public var bytesInFlight = 524_288

    /// The documented defaults.
    public init() {}
}

/// `[control]`.
public struct ControlSettings: Equatable, Sendable {
    /// Path of the Unix socket that `argent status` and its like talk to.
    public var socket = "/run/argent/control"

    /// The documented defaults.
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
    /// Relative sd of the droplet amplitude.
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

    /// The documented defaults.
    public init() {}
}
