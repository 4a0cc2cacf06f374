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
    /// Folders below each other at most: a rig, a day.
    private static let depthLimit = 5

    /// Hands every entry of what is at `path` to `visit`, log after log, segment after segment,
    /// until it says no more.
    public static func read(
        _ path: String, visit: (JournalEntry) throws(WorldError) -> Bool
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
                let missing = segment.firstSequence - min(
                    segment.firstSequence, before.lastSequence + 1)
                if missing > 0 {
                    let gap = JournalGap(bytes: 0..<0, missingRecords: missing)
                    guard try seen({ () throws(WorldError) in try visit(.gap(gap)) }) else {
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
        do throws(JournalError) { return try !LogListing(DirectoryStorage(path)).isEmpty } catch {
            throw .log(path: path, error)
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
        let names: [String]
        do throws(WorldError) { names = try Files.list(path) } catch { throw .world(error) }
        for name in names {
            let full = path + "/" + name
            if name.hasSuffix(SegmentName.sealedSuffix) {
                do throws(SegmentError) {
                    found.append(try SealedSegment(try source(full), path: full))
                } catch { throw .segment(path: full, error) }
            } else if depth < depthLimit, !name.hasPrefix("."), Files.isDirectory(full) {
                try collect(below: full, depth: depth + 1, into: &found)
            }
        }
    }

    private static func source(_ path: String) throws(SegmentError) -> ReadFile {
        do throws(WorldError) { return try ReadFile(path: path) } catch { throw .disk(error) }
    }

    /// What `visit` said; its complaint as one of ours.
    private static func seen(
        _ visit: () throws(WorldError) -> Bool
    ) throws(LogInputError) -> Bool {
        do throws(WorldError) { return try visit() } catch { throw .world(error) }
    }

    private static func readFile(
        _ path: String, _ visit: (JournalEntry) throws(WorldError) -> Bool
    ) throws(LogInputError) {
        if path.hasSuffix(SegmentName.sealedSuffix) {
            _ = try readSegment(path, visit)
            return
        }
        let file: ReadFile
        do throws(WorldError) { file = try ReadFile(path: path) } catch { throw .world(error) }
        var reader = JournalReader(file)
        while true {
            let entry: JournalEntry?
            do throws(JournalError) { entry = try reader.next() } catch {
                throw .log(path: path, error)
            }
            guard let entry, try seen({ () throws(WorldError) in try visit(entry) }) else {
                return
            }
        }
    }

    private static func readDirectory(
        _ path: String, _ visit: (JournalEntry) throws(WorldError) -> Bool
    ) throws(LogInputError) {
        do throws(JournalError) {
            var reader = try LogReader(directory: path)
            while let entry = try reader.next() {
                var goesOn = false
                do throws(WorldError) { goesOn = try visit(entry) } catch {
                    throw JournalError.notRead(error)
                }
                if !goesOn { return }
            }
        } catch { throw .log(path: path, error) }
    }

    private static func readSegment(
        _ path: String, _ visit: (JournalEntry) throws(WorldError) -> Bool
    ) throws(LogInputError) -> Bool {
        do throws(SegmentError) {
            var reader = try SegmentReader(try source(path), path: path)
            while let entry = try reader.next() {
                var goesOn = false
                do throws(WorldError) { goesOn = try visit(entry) } catch {
                    throw SegmentError.disk(error)
                }
                if !goesOn { return false }
            }
            return true
        } catch { throw .segment(path: path, error) }
    }
}
