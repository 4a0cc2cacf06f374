import Glibc
import Quantities
import World

/// Fetches what a rig has and this machine has not: the whole of `argent-workstation pull`.
public final class Puller {
    /// What to pull, and how.
    public struct Job {
        /// Where the rig is.
        public var address: NetworkAddress
        /// The rig, as it was paired.
        public var rig: KnownRig
        /// Who pulls.
        public var identity: TLSIdentity
        /// What this machine calls itself.
        public var name: String
        /// How long things may take.
        public var patience = PullConnection.Patience()
        /// Tries in a row without a byte gained.
        public var tries = 5
        /// Time before the second try; doubled before each further one.
        public var pause = TimeSpan.seconds(2)

        /// A job.
        public init(
            address: NetworkAddress, rig: KnownRig, identity: TLSIdentity, name: String
        ) {
            self.address = address
            self.rig = rig
            self.identity = identity
            self.name = name
        }
    }

    /// Bytes fetched, of how many, in this pull.
    public typealias Progress = (_ done: UInt64, _ all: UInt64) -> Void

    /// Bytes asked for ahead, so that a long way costs no waiting…
    static let windowBytes: UInt64 = 32 * 1024 * 1024
    /// …in so many fetches at most.
    static let windowFetches = 4
    /// Room left on the disk beside a segment.
    static let roomLeft: UInt64 = 16 * 1024 * 1024
    /// Segments of a log at most.
    static let segmentLimit = 1_000_000

    let job: Job
    let folder: PullFolder
    let check: any SegmentCheck
    private let progress: Progress
    var report = PullReport()
    /// Fetched bytes and what was to be fetched, for `progress`.
    private var done: UInt64 = 0
    private var all: UInt64 = 0
    private var finishedBytes: UInt64 = 0
    /// Segments that arrived damaged once.
    private var retried: Set<UInt64> = []

    /// A pull into `folder`.
    public init(
        _ job: Job, into folder: PullFolder, check: any SegmentCheck,
        progress: @escaping Progress = { _, _ in }
    ) {
        self.job = job
        self.folder = folder
        self.check = check
        self.progress = progress
    }

    /// Pulls until everything is here, starting anew where connections break.
    public func run() throws(PullError) -> PullReport {
        var failures = 0
        var pause = job.pause
        while true {
            let before = report.fetchedBytes + UInt64(report.acknowledged)
            do throws(PullError) {
                try once()
                return report
            } catch {
                guard error.isTransient else { throw error }
                report.broken += 1
                if report.fetchedBytes + UInt64(report.acknowledged) > before {
                    failures = 0
                    pause = job.pause
                }
                failures += 1
                guard failures < job.tries else { throw error }
                Clocks.sleep(pause)
                pause = min(pause + pause, .seconds(60))
            }
        }
    }

    /// Connects to a rig that must be the paired one.
    public static func connect(_ job: Job) throws(PullError) -> (PullConnection, name: String) {
        let connection = try PullConnection(
            job.address, identity: job.identity, name: job.name, patience: job.patience)
        guard connection.rig == job.rig.fingerprint else {
            throw .otherIdentity(
                rig: job.address.description, shown: connection.rig,
                known: job.rig.fingerprint)
        }
        do throws(PullError) { return (connection, try connection.greet()) } catch {
            if case .session(.refused(RefusalCode.unknownPeer.rawValue, _)) = error {
                throw .notAccepted(
                    rig: job.address.description, own: job.identity.fingerprint)
            }
            throw error
        }
    }

    private func once() throws(PullError) {
        let (connection, name) = try Self.connect(job)
        report.rigName = name
        let (log, entries) = try list(connection)
        report.listed = entries.count
        if try compare(entries, log) {
            let wanted = entries.filter { folder.pulled($0.number, of: log) == nil }
            done = finishedBytes
            all = done + wanted.reduce(0) { $0 + $1.size }
            folder.removePartials(
                except: Set(wanted.map { folder.partialPath($0, of: log) }))
            var transfer = Transfer(puller: self, connection: connection, log: log)
            try transfer.run(entries)
        }
        connection.close()
    }

    private func list(
        _ connection: PullConnection
    ) throws(PullError) -> (log: [UInt8], entries: [SegmentEntry]) {
        var entries: [SegmentEntry] = []
        var log: [UInt8] = []
        while true {
            let listing = try connection.list(after: entries.last?.number ?? 0)
            guard entries.isEmpty || listing.log == log else {
                throw .session(.malformed("the log changed between two listings"))
            }
            log = listing.log
            entries += listing.entries
            guard listing.hasMore else { break }
            guard entries.count <= Self.segmentLimit else {
                throw .session(.malformed("more than \(Self.segmentLimit) segments"))
            }
        }
        guard entries.isEmpty || log.count == SyncMessage.logSize else {
            throw .session(.malformed("segments of no log"))
        }
        return (log, entries)
    }

    /// Compares what the rig lists with what came before; false when nothing may be fetched.
    private func compare(_ entries: [SegmentEntry], _ log: [UInt8]) throws(PullError) -> Bool {
        let last = folder.lastNumber(of: log)
        var isSound = true
        for entry in entries {
            if let pulled = folder.pulled(entry.number, of: log), pulled.hash != entry.hash {
                report.find(.replaced(number: entry.number))
                isSound = false
                break
            }
        }
        if isSound, let newest = entries.last?.number, newest < last {
            report.find(.wentBack(here: last, there: newest))
            isSound = false
        }
        var expected: UInt64 = 1
        for entry in entries where isSound {
            while expected < entry.number, folder.pulled(expected, of: log) != nil { expected += 1 }
            if expected < entry.number { try noteMissing(expected, entry.number - 1, log) }
            expected = entry.number + 1
        }
        return isSound
    }

    /// Tells of the stretches of `first…last` that never came, each once and for all.
    func noteMissing(_ first: UInt64, _ last: UInt64, _ log: [UInt8]) throws(PullError) {
        var number = first
        func isMissing(_ number: UInt64) -> Bool {
            folder.pulled(number, of: log) == nil && !folder.isLost(number, of: log)
        }
        while number <= last {
            let start = number
            // No rig has so many segments: what lies beyond is one stretch.
            while number <= last, number - first < UInt64(Self.segmentLimit), isMissing(number) {
                number += 1
            }
            if number - first >= UInt64(Self.segmentLimit) { number = last + 1 }
            if number > start {
                report.find(.missing(first: start, last: number - 1))
                try folder.noteLost(start...number - 1, of: log)
            } else {
                number += 1
            }
        }
    }

    func finished(_ entry: SegmentEntry) {
        report.kept += 1
        finishedBytes += entry.size
    }

    func advance(by bytes: UInt64) {
        done += bytes
        progress(done, max(all, done))
    }

    /// Whether a damaged segment may be fetched once more.
    func mayRetry(_ number: UInt64) -> Bool { retried.insert(number).inserted }
}
