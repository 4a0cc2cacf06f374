import World

/// Why a journal could not be opened, read or written.
public enum JournalError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file is something else; it was left alone.
    case notAJournal
    /// The file header is damaged; nothing was changed.
    case damagedHeader
    /// A newer program wrote it.
    case newerFormat(version: UInt32)
    /// So much looks like frames and is none that the search for the next one was given up.
    case tooDamaged(at: Int64)
    /// Reading failed.
    case notRead(WorldError)
    /// The records are not in the log; the log is as it was before. Appending may be tried again.
    case notWritten(WorldError)
    /// The records appended since the last sync may not survive a power cut. The next sync writes
    /// them again.
    case notSynced(WorldError)
    /// A record has no encoding; none of its batch was written.
    case notEncoded(RecordError)
    /// The directory has a log of the one-file kind beside segments: two campaigns, or an older
    /// program ran after this one.
    case twoLogs(directory: String)
    /// A segment's file belongs to another log than its neighbours, or has another number than
    /// its name.
    case foreignSegment(name: String)
    /// More than `limit` bytes would wait for a sync; nothing was written.
    case tooMuchUnsynced(limit: Int)

    /// What happened and what to do, for people.
    public var description: String {
        switch self {
        case .notAJournal:
            "this is not a run log; check the path, or move the file away"
        case .damagedHeader:
            "the head of the run log is damaged, its records may be intact; copy the file away "
                + "before starting a new log"
        case .newerFormat(let version):
            "the run log has format \(version), this program knows "
                + "\(JournalFormat.version); use the newer program"
        case .tooDamaged(let at):
            "the run log is damaged from byte \(at) on beyond repair; copy the file away and "
                + "start a new log"
        case .notRead(let error): "the run log cannot be read: \(error)"
        case .notWritten(let error): "nothing was added to the run log: \(error)"
        case .notSynced(let error): "the last records are not safe yet: \(error)"
        case .notEncoded(let error): "a record cannot be logged: \(error)"
        case .twoLogs(let directory):
            "\(directory) has \(SegmentName.legacy) beside segments of a newer log; move the one "
                + "that does not belong here away"
        case .foreignSegment(let name):
            "\(name) does not belong to the log it lies in: move it away"
        case .tooMuchUnsynced(let limit):
            "more than \(limit) bytes wait to be synced; sync before appending more"
        }
    }
}
