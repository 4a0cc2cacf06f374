import World

/// The files of a run log in their directory.
public struct LogListing: Equatable, Sendable {
    /// Numbers of the sealed segments, ascending.
    public var sealed: [UInt64] = []
    /// Numbers of the active segments, ascending: the last is being written, those before it
    /// wait to be sealed.
    public var active: [UInt64] = []
    /// Names of files that were being sealed.
    public var unfinished: [String] = []
    /// Whether the one file of a log of version 1 is there.
    public var hasLegacy = false

    /// All numbers, ascending, each once.
    public var numbers: [UInt64] { Set(sealed).union(active).sorted() }
    /// Whether there is no log.
    public var isEmpty: Bool { sealed.isEmpty && active.isEmpty && !hasLegacy }

    /// The files of the log in `storage`; other files are passed over.
    public init(_ storage: any LogStorage) throws(JournalError) {
        let names: [String]
        do throws(WorldError) { names = try storage.list() } catch { throw .notRead(error) }
        for name in names {
            if let number = SegmentName.activeNumber(name) {
                active.append(number)
            } else if let number = SegmentName.sealedNumber(name) {
                sealed.append(number)
            } else if name.hasSuffix(SegmentName.unfinishedSuffix) {
                unfinished.append(name)
            } else if name == SegmentName.legacy {
                hasLegacy = true
            }
        }
        active.sort()
        sealed.sort()
    }
}

/// A sealed segment that cannot even be told apart.
public struct UnreadableSegment: Equatable, Sendable {
    /// Its number, by its name.
    public var number: UInt64
    /// What is wrong.
    public var error: SegmentError
}

/// A directory with the log of one campaign.
public enum LogDirectory {
    /// The sealed segments in `storage`, ascending: their heads, indexes and seals are read, and
    /// nothing else. Segments that are removed meanwhile are passed over.
    public static func sealedSegments(
        in storage: any LogStorage
    ) throws(JournalError) -> (segments: [SealedSegment], unreadable: [UnreadableSegment]) {
        var segments: [SealedSegment] = []
        var unreadable: [UnreadableSegment] = []
        for number in try LogListing(storage).sealed {
            do throws(SegmentError) {
                segments.append(try sealedSegment(number, in: storage))
            } catch {
                if case .disk(.absent) = error { continue }
                unreadable.append(UnreadableSegment(number: number, error: error))
            }
        }
        return (segments, unreadable)
    }

    /// Sealed segment `number` in `storage`.
    public static func sealedSegment(
        _ number: UInt64, in storage: any LogStorage
    ) throws(SegmentError) -> SealedSegment {
        let name = SegmentName.sealed(number)
        let source = try open(name, in: storage)
        let segment = try SealedSegment(source, path: storage.path + "/" + name)
        guard segment.number == number else { throw .damaged(.head, at: 0) }
        return segment
    }

    /// Opens a file of the log for reading.
    static func open(
        _ name: String, in storage: any LogStorage
    ) throws(SegmentError) -> any ByteSource {
        do throws(WorldError) { return try storage.openForReading(name) } catch {
            throw .disk(error)
        }
    }

    /// The name of a log's file in the directory at `path`; nil when there is none, or no such
    /// directory.
    public static func firstFile(in path: String) -> String? {
        guard let listing = try? LogListing(DirectoryStorage(path)) else { return nil }
        if listing.hasLegacy { return SegmentName.legacy }
        guard let number = listing.numbers.first else { return nil }
        return listing.sealed.contains(number)
            ? SegmentName.sealed(number) : SegmentName.active(number)
    }
}
