import Campaign
import Configuration
import Quantities
import RunLog
import World

/// The run log of one campaign on the disk, opened and replayed.
struct CampaignLog {
    let segments: SegmentedLog
    let resumed: ResumedCampaign
    /// The log's directory.
    let path: String

    /// What opening found.
    var recovery: LogRecovery { segments.recovery }

    /// Opens the log in `directory`, cuts a torn end off and replays the rest.
    ///
    /// - Throws: `AgentError` when the directory cannot be used, a file in it is no log, or the
    ///   log belongs to another configuration.
    init(directory: String, settings: Settings, options: SegmentOptions) throws(AgentError) {
        path = directory
        var resumed = ResumedCampaign(settings: settings)
        var contradiction: CampaignError?
        do throws(WorldError) { try Files.makeDirectories(directory) } catch {
            throw .directory(error)
        }
        do throws(JournalError) {
            let storage = DirectoryStorage(directory)
            segments = try SegmentedLog(storage, options: options) { entry in
                guard case .record(_, let record) = entry, contradiction == nil else { return }
                do throws(CampaignError) { try resumed.replay(record.body) } catch {
                    contradiction = error
                }
            }
        } catch {
            throw .journal(path: path, error)
        }
        do throws(CampaignError) { try resumed.finishReplay() } catch { contradiction = error }
        if let contradiction { throw .otherCampaign(path: path, contradiction) }
        self.resumed = resumed
    }

    /// What was lost and cut, in words; nil when nothing was.
    var damage: String? {
        guard
            recovery.droppedBytes > 0 || recovery.gapCount > 0 || recovery.notUnderstood > 0
                || !recovery.damaged.isEmpty
        else { return nil }
        return "kept \(recovery.records) records; cut \(recovery.droppedBytes) bytes of an "
            + "unfinished write; \(recovery.gapCount) damaged stretches, "
            + "\(recovery.damaged.count) damaged segments; "
            + "\(recovery.notUnderstood) records of a kind this version does not know"
    }
}

/// Why the agent cannot start or go on, in words for the person who can help.
public enum AgentError: Error, CustomStringConvertible {
    /// The log's directory or file cannot be used.
    case directory(WorldError)
    /// The log cannot be read or written.
    case journal(path: String, JournalError)
    /// The log contradicts the configuration.
    case otherCampaign(path: String, CampaignError)
    /// The log was begun with another seed than the configuration's.
    case otherSeed(path: String, seed: UInt64, now: UInt64)
    /// The log's losses belong to another wanted spectrum.
    case otherTarget(path: String)
    /// Another process runs this campaign.
    case alreadyRunning(WorldError)
    /// The target spectrum cannot be used.
    case target(String)
    /// The planner cannot work with this configuration.
    case planner(PlannerError)
    /// The instruments of the configuration cannot be set up.
    case lines(String)
    /// The control socket cannot be opened.
    case control(WorldError)
    /// The log cannot be offered to workstations.
    case sync(String)

    /// Whether another process is in the way, rather than anything being wrong.
    public var isSomebodyElse: Bool {
        switch self {
        case .alreadyRunning(.busy), .control(.busy): true
        default: false
        }
    }

    /// Whether the configuration, or a file it names, is what must be mended.
    public var isConfiguration: Bool {
        switch self {
        case .otherCampaign, .otherSeed, .otherTarget, .target, .planner, .lines, .sync: true
        default: false
        }
    }

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .directory(let error): "the log's directory: \(error)"
        case .journal(let path, let error): "\(path): \(error)"
        case .otherCampaign(let path, let error):
            "\(path) was written under another configuration: \(error); choose another "
                + "[log] directory for a new campaign, or restore the configuration"
        case .otherSeed(let path, let seed, let now):
            "\(path) was begun with [campaign] seed = \(seed), the configuration says \(now); "
                + "restore the seed, or choose another [log] directory for a new campaign"
        case .otherTarget(let path):
            "the losses in \(path) were computed with another wanted spectrum; restore the "
                + "[campaign] target, or choose another [log] directory for a new campaign"
        case .alreadyRunning(.busy(let name, _)):
            "another argent runs this campaign (it holds \(name)); ask it with `argent status`, "
                + "or stop it first"
        case .alreadyRunning(let error): "\(error)"
        case .target(let text), .lines(let text): text
        case .planner(let error): "the planner cannot work with this configuration: \(error)"
        case .control(let error): "the control socket: \(error)"
        case .sync(let text): "[sync]: \(text); or leave [sync] listen empty"
        }
    }
}
