import RunLog
import World

/// The sealed segments in a log's directory, read while the log is being written. What was read
/// of a segment is kept as long as its file has the same size: sealed segments do not change, but
/// for those that are thinned.
public final class DirectorySegments: SegmentSource {
    /// Segments remembered at most; beyond that, everything is read anew each time.
    private static let memoryLimit = 100_000

    private let storage: DirectoryStorage
    private var remembered: [UInt64: SealedSegment] = [:]

    /// The segments in the directory at `path`.
    public init(path: String) { storage = DirectoryStorage(path) }

    /// The segments after a number, at most `limit` of them. Unreadable ones are passed over: the
    /// workstation misses them and says so.
    public func listing(
        after number: UInt64, limit: Int
    ) throws(RigSession.Refusal) -> SegmentListing {
        let numbers: [UInt64]
        do throws(JournalError) { numbers = try LogListing(storage).sealed } catch {
            throw RigSession.Refusal(.disk, "the log's directory cannot be read")
        }
        if remembered.count > Self.memoryLimit { remembered = [:] }
        var log: [UInt8] = []
        var entries: [SegmentEntry] = []
        for candidate in numbers where candidate > number {
            guard entries.count < limit else {
                return SegmentListing(log: log, entries: entries, hasMore: true)
            }
            guard let segment = segment(candidate) else { continue }
            let identifier = segment.logIdentifier.bytes
            guard log.isEmpty || log == identifier else {
                throw RigSession.Refusal(
                    .disk, "segments of two logs lie in one directory: move one set away")
            }
            log = identifier
            entries.append(SegmentEntry(segment))
        }
        if log.isEmpty, let first = numbers.first {
            log = segment(first)?.logIdentifier.bytes ?? []
        }
        return SegmentListing(log: log, entries: entries, hasMore: false)
    }

    /// The file of a segment.
    public func open(
        log: [UInt8], number: UInt64
    ) throws(RigSession.Refusal) -> any ByteSource {
        guard SegmentName.numbers.contains(number), let segment = segment(number),
            segment.logIdentifier.bytes == log,
            let source = try? storage.openForReading(SegmentName.sealed(number))
        else { throw RigSession.Refusal(.noSuchSegment, "there is no segment \(number)") }
        return source
    }

    private func segment(_ number: UInt64) -> SealedSegment? {
        guard let source = try? storage.openForReading(SegmentName.sealed(number)) else {
            remembered[number] = nil
            return nil
        }
        if let known = remembered[number], known.size == source.size { return known }
        let path = storage.path + "/" + SegmentName.sealed(number)
        let fresh = try? SealedSegment(source, path: path)
        remembered[number] = fresh?.number == number ? fresh : nil
        return remembered[number]
    }
}

extension SegmentEntry {
    /// What the protocol tells of `segment`.
    init(_ segment: SealedSegment) {
        self.init(
            number: segment.number, size: UInt64(max(0, segment.size)),
            firstSequence: segment.firstSequence, records: UInt64(max(0, segment.records)),
            hash: segment.hash, previousHash: segment.previousHash,
            contentHash: segment.contentHash)
    }
}

/// Verifies fetched files as sealed segments: hash, every frame, signature.
public struct SealedSegmentCheck: SegmentCheck {
    /// A check.
    public init() {}

    /// Reads all of the file at `path`.
    public func check(_ path: String) throws(WorldError) -> CheckedSegment {
        var checked = CheckedSegment()
        let source = try ReadFile(path: path)
        let report: SegmentReport
        do throws(SegmentError) { report = try SegmentVerifier.verify(source, path: path) } catch {
            if case .disk(let error) = error { throw error }
            checked.problems = ["\(error)"]
            return checked
        }
        checked.problems = report.problems.map(\.description)
        checked.missingRecords = report.missingRecords
        guard let segment = report.segment else { return checked }
        checked.entry = SegmentEntry(segment)
        checked.log = segment.logIdentifier.bytes
        checked.keys = [segment.publicKey, segment.original?.publicKey].compactMap { $0 }
        if let earliest = segment.earliest { checked.began = earliest }
        return checked
    }
}

extension TLSIdentity: SegmentSigner {}
