import RunLog
import World

/// What reading a whole log, checking everything in it, has found.
public struct LogVerification {
    /// What was read.
    public let path: String
    /// Records this program understands.
    public private(set) var records = 0
    /// Records missing by the numbers of those around them.
    public private(set) var missing: UInt64 = 0
    /// Bytes that belong to no record, before the end.
    public private(set) var damagedBytes: Int64 = 0
    /// Bytes of an unfinished write at the end.
    public private(set) var tornBytes: Int64 = 0
    /// Records of a kind this version does not know.
    public private(set) var notUnderstood = 0
    /// Sealed segments.
    public private(set) var segments = 0
    /// Sealed segments with a right signature.
    public private(set) var signed = 0
    /// Sealed segments without their spectra blocks, given up for room.
    public private(set) var thinned = 0
    /// What is wrong with which segment, in words.
    public private(set) var problems: [String] = []

    private var decisions = 0
    private var conditions = 0
    private var droplets = 0
    private var faults = 0
    private var hash = ""

    /// Reads the log at `path`, as `LogInput` finds it. With `key` (32 bytes) every sealed
    /// segment must be signed with this public key.
    public init(path: String, key: [UInt8]? = nil) throws(LogInputError) {
        self.path = path
        for file in try Self.sealed(at: path) { try check(file, key: key) }
        try LogInput.read(path) { entry in
            count(entry)
            return true
        }
        tornBytes = try Self.unfinished(at: path)
    }

    /// Whether nothing is damaged, missing or torn.
    public var isWhole: Bool {
        missing == 0 && damagedBytes == 0 && tornBytes == 0 && problems.isEmpty
    }

    /// The findings, for people.
    public var text: String {
        var text = "\(path)\n  \(records) records: \(decisions) decisions, \(conditions) conditions"
        text += " measured, \(droplets) droplets, \(faults) faults\n"
        if segments > 0 {
            text += "  \(segments) sealed segments, \(signed) signed, \(thinned) thinned\n"
            text += "  last hash \(hash)\n"
        }
        if notUnderstood > 0 {
            text += "  \(notUnderstood) records of a kind this version does not know\n"
        }
        for problem in problems { text += "  DAMAGED: \(problem)\n" }
        if missing > 0 || damagedBytes > 0 {
            text += "  DAMAGED: \(missing) records missing, \(damagedBytes) damaged bytes\n"
        }
        if tornBytes > 0 {
            text += "  \(tornBytes) bytes of an unfinished write at the end: cut off when the rig "
            text += "starts, or just being written\n"
        }
        return text + (isWhole ? "  whole\n" : "")
    }

    // MARK: - Sealed segments

    private var before: SealedSegment?

    /// The files of the sealed segments at `path`, by log and number.
    private static func sealed(at path: String) throws(LogInputError) -> [String] {
        guard Files.isDirectory(path) else {
            return path.hasSuffix(SegmentName.sealedSuffix) ? [path] : []
        }
        guard try LogInput.holdsLog(path) else {
            return try LogInput.collect(below: path).map(\.path)
        }
        return try listing(path).sealed.map { path + "/" + SegmentName.sealed($0) }
    }

    private mutating func check(_ file: String, key: [UInt8]?) throws(LogInputError) {
        let source = try LogInput.open(file)
        // The chain is one log's; a folder of pulled segments may hold several.
        let own = try? SealedSegment(source, path: file).logIdentifier
        let last = own == before?.logIdentifier ? before : nil
        let report = try LogInput.ofSegment(file) { () throws(SegmentError) in
            try SegmentVerifier.verify(source, path: file, after: last, key: key)
        }
        take(report, file)
    }

    private static func listing(_ path: String) throws(LogInputError) -> LogListing {
        try LogInput.ofLog(path) { () throws(JournalError) in
            try LogListing(DirectoryStorage(path))
        }
    }

    private mutating func take(_ report: SegmentReport, _ file: String) {
        segments += 1
        problems += report.problems.map { "\(file): \($0)" }
        guard let segment = report.segment else { return }
        before = segment
        hash = Hexadecimal.text(segment.hash)
        if segment.isThinned { thinned += 1 }
        let isBad = report.problems.contains { $0 == .badSignature || $0 == .otherKey }
        if segment.signature != nil, !isBad { signed += 1 }
    }

    /// Bytes behind the last whole record of what is not sealed yet.
    private static func unfinished(at path: String) throws(LogInputError) -> Int64 {
        var files: [String] = []
        if !Files.isDirectory(path) {
            if !path.hasSuffix(SegmentName.sealedSuffix) { files = [path] }
        } else if try LogInput.holdsLog(path) {
            files = try listing(path).active.map { path + "/" + SegmentName.active($0) }
        }
        var bytes: Int64 = 0
        for file in files {
            // Sealed meanwhile: then it was whole.
            guard let source = try? ReadFile(path: file) else { continue }
            var reader = JournalReader(source)
            try LogInput.ofLog(file) { () throws(JournalError) in
                while try reader.nextRaw() != nil {}
            }
            bytes += source.size - reader.intactEnd
        }
        return bytes
    }

    // MARK: - Records

    private mutating func count(_ entry: JournalEntry) {
        switch entry {
        case .record(_, let record):
            records += 1
            count(record.body)
        case .unknown, .unreadable: notUnderstood += 1
        case .gap(let gap):
            missing += gap.missingRecords
            damagedBytes += Int64(gap.bytes.count)
        }
    }

    private mutating func count(_ body: Record.Body) {
        switch body {
        case .droplet: droplets += 1
        case .conditionEnd(let end): if end.medianLoss != nil { conditions += 1 }
        case .decision: decisions += 1
        case .fault: faults += 1
        default: break
        }
    }
}
