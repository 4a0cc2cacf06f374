import Configuration
import Export

/// How urgent a message is, as syslog(3) counts.
public enum Urgency: Int, Sendable {
    /// Somebody must look.
    case error = 3
    /// Somebody should look.
    case warning = 4
    /// Worth knowing.
    case notice = 5
}

/// A configuration that was read and found good.
public struct SuppliedConfiguration {
    /// What it asks for.
    public var job: CampaignJob
    /// Where each setting stands.
    public var places: SettingsPlaces
    /// What is doubtful about it, one line each.
    public var doubts: [String]

    /// A configuration.
    public init(job: CampaignJob, places: SettingsPlaces, doubts: [String] = []) {
        self.job = job
        self.places = places
        self.doubts = doubts
    }
}

/// Why a configuration cannot be used.
public struct SupplyFailure: Error, Equatable, Sendable {
    /// The first problem, with its place, on one line.
    public var first: String
    /// All of them, for a person at a terminal.
    public var report: String

    /// A failure.
    public init(first: String, report: String) {
        self.first = first
        self.report = report
    }
}

/// Where the configuration of a running agent comes from.
public struct ConfigurationSupply {
    /// The file.
    public var path: String
    /// Reads file and drop-ins again and checks them whole.
    public var read: () -> Result<SuppliedConfiguration, SupplyFailure>
    /// Where the last good one is kept; nil: nowhere.
    public var lastGood: LastGood.Place?
    /// Why the campaign begins with the last good one instead; empty: it does not.
    public var substituteReason = ""
    /// What is worth telling about the one it begins with, one line each.
    public var notices: [String] = []
    /// What is doubtful about it.
    public var doubts: [String] = []
    /// Tells people.
    public var tell: (Urgency, String) -> Void

    /// How the answer to a reload begins that found a broken configuration.
    public static let brokenAnswer = "cannot reload: the configuration is broken"

    /// A supply.
    public init(
        path: String, lastGood: LastGood.Place?, tell: @escaping (Urgency, String) -> Void,
        read: @escaping () -> Result<SuppliedConfiguration, SupplyFailure>
    ) {
        self.path = path
        self.lastGood = lastGood
        self.tell = tell
        self.read = read
    }
}

/// What `argent status` says of the configuration.
public struct ConfigurationStatus: Equatable, Sendable {
    /// The file.
    public var path = ""
    /// Hash of the configuration in force, as in the log.
    public var sha256 = ""
    /// Whether the last good one is used because the file is broken.
    public var isLastGood = false
    /// What is wrong with the file, as far as it was read; empty: nothing.
    public var problem = ""
    /// Changes that wait for the next boundary between conditions, one line each.
    public var waiting: [String] = []

    /// Nothing known.
    public init() {}

    func write(to json: inout JSONText) {
        json.member("path", path)
        json.member("sha256", sha256)
        json.member("last_good", isLastGood)
        json.member("problem", problem.isEmpty ? nil : problem)
        json.key("waiting")
        json.array { list in for line in waiting { list.string(line) } }
    }
}
