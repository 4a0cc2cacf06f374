import RunLog
import World

/// Why a log cannot be read, or not to its end.
public enum LogInputError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kernel refused.
    case world(WorldError)
    /// The log in the directory, or the file, is none that this program can read.
    case log(path: String, JournalError)
    /// The sealed segment is none that this program can read.
    case segment(path: String, SegmentError)
    /// There is no segment at or below the path.
    case nothing(path: String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .world(let error): "\(error)"
        case .log(let path, let error): "\(path): \(error)"
        case .segment(let path, let error): "\(path): \(error)"
        case .nothing(let path):
            "\(path): no run log here; name a log directory, a folder of pulled segments, or "
                + "one segment"
        }
    }
}

/// A log to read, as a person names it: the directory a rig writes, a folder of pulled segments
/// (several logs perhaps, in sub-folders), or one file.
public enum LogInput {
    /// Somebody who is shown the entries of a log; false when that was enough.
    public typealias Visit = (JournalEntry) throws(WorldError) -> Bool

    /// Folders below each other at most: a rig, a day.
    private static let depthLimit = 5

    /// Hands every entry of what is at `path` to `visit`, log after log, segment after segment,
    /// until it says no more.
    public static func read(
        _ path: String, visit: Visit
    ) throws(LogInputError) {
        guard Files.isDirectory(path) else { return try readFile(path, visit) }
        if try holdsLog(path) { return try readDirectory(path, visit) }
        let segments = try collect(below: path)
        guard !segments.isEmpty else { throw .nothing(path: path) }
        var before: SealedSegment?
        for segment in segments {
            if let before, before.logIdentifier == segment.logIdentifier {
                // The same segment may lie in two folders.
                if before.number == segment.number { continue }
                let missing =
                    segment.firstSequence
                    - min(
                        segment.firstSequence, before.lastSequence + 1)
                if missing > 0 {
                    let gap = JournalGap(bytes: 0..<0, missingRecords: missing)
                    guard try ofWorld({ () throws(WorldError) in try visit(.gap(gap)) }) else {
                        return
                    }
                }
            }
            before = segment
            guard try readSegment(segment.path, visit) else { return }
        }
    }

    /// Whether the directory at `path` is one a rig writes.
    public static func holdsLog(_ path: String) throws(LogInputError) -> Bool {
        try ofLog(path) { () throws(JournalError) in
            try LogListing(DirectoryStorage(path)).isEmpty == false
        }
    }

    /// All sealed segments in folders below `path`, by log and number.
    public static func collect(below path: String) throws(LogInputError) -> [SealedSegment] {
        var found: [SealedSegment] = []
        try collect(below: path, depth: 0, into: &found)
        return found.sorted { a, b in
            a.logIdentifier == b.logIdentifier
                ? a.number < b.number
                : a.logIdentifier.bytes.lexicographicallyPrecedes(b.logIdentifier.bytes)
        }
    }

    private static func collect(
        below path: String, depth: Int, into found: inout [SealedSegment]
    ) throws(LogInputError) {
        for name in try ofWorld({ () throws(WorldError) in try Files.list(path) }) {
            let full = path + "/" + name
            if name.hasSuffix(SegmentName.sealedSuffix) {
                let file = try open(full)
                found.append(
                    try ofSegment(full) { () throws(SegmentError) in
                        try SealedSegment(file, path: full)
                    })
            } else if depth < depthLimit, !name.hasPrefix("."), Files.isDirectory(full) {
                try collect(below: full, depth: depth + 1, into: &found)
            }
        }
    }

    // MARK: - One kind of error

    /// The file at `path`, open for reading.
    public static func open(_ path: String) throws(LogInputError) -> ReadFile {
        try ofWorld { () throws(WorldError) in try ReadFile(path: path) }
    }

    /// What `body` gives, or what the kernel refused.
    static func ofWorld<Value>(
        _ body: () throws(WorldError) -> Value
    ) throws(LogInputError) -> Value {
        do throws(WorldError) { return try body() } catch { throw .world(error) }
    }

    /// What `body` gives, or what is wrong with the segment at `path`.
    public static func ofSegment<Value>(
        _ path: String, _ body: () throws(SegmentError) -> Value
    ) throws(LogInputError) -> Value {
        do throws(SegmentError) { return try body() } catch {
            throw .segment(path: path, error)
        }
    }

    /// What `body` gives, or what is wrong with the log at `path`.
    public static func ofLog<Value>(
        _ path: String, _ body: () throws(JournalError) -> Value
    ) throws(LogInputError) -> Value {
        do throws(JournalError) { return try body() } catch { throw .log(path: path, error) }
    }

    // MARK: - Kinds of logs

    private static func readFile(
        _ path: String, _ visit: Visit
    ) throws(LogInputError) {
        if path.hasSuffix(SegmentName.sealedSuffix) {
            _ = try readSegment(path, visit)
            return
        }
        var reader = JournalReader(try open(path))
        while let entry = try ofLog(path, { () throws(JournalError) in try reader.next() }) {
            guard try ofWorld({ () throws(WorldError) in try visit(entry) }) else { return }
        }
    }

    private static func readDirectory(_ path: String, _ visit: Visit) throws(LogInputError) {
        var reader = try ofLog(path) { () throws(JournalError) in try LogReader(directory: path) }
        while let entry = try ofLog(path, { () throws(JournalError) in try reader.next() }) {
            guard try ofWorld({ () throws(WorldError) in try visit(entry) }) else { return }
        }
    }

    private static func readSegment(_ path: String, _ visit: Visit) throws(LogInputError) -> Bool {
        let file = try open(path)
        var reader = try ofSegment(path) { () throws(SegmentError) in
            try SegmentReader(file, path: path)
        }
        while let entry = try ofSegment(path, { () throws(SegmentError) in try reader.next() }) {
            guard try ofWorld({ () throws(WorldError) in try visit(entry) }) else { return false }
        }
        return true
    }
}
