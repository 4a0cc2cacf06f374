import Quantities
import RunLog
import World

/// What a workstation has of one rig: a folder per day with the segments, a list of all that ever
/// came, and what is half fetched.
///
///     DIR/RIG/2026-03-01/6f3a91c2-00000012.argentseg
///     DIR/RIG/pulled               one line per segment that came, for good
///     DIR/RIG/.partial/…           half fetched segments
///     DIR/RIG/.lock                held by the pull that is running
///
/// The list, not the folders, says what need not be fetched again: segments may be moved away.
public final class PullFolder {
    /// A segment that came.
    public struct Pulled: Equatable, Sendable {
        /// Its chain hash.
        public var hash: [UInt8]
        /// Whether the rig has confirmed the acknowledgement.
        public var isAcknowledged: Bool
    }

    private struct Key: Hashable {
        var log: [UInt8]
        var number: UInt64
    }

    static let listName = "pulled"
    private static let listLimit = 64 * 1024 * 1024

    /// `DIR/RIG`.
    public let path: String
    private let lock: InstanceLock
    private var known: [Key: Pulled] = [:]
    private var lost: [[UInt8]: [ClosedRange<UInt64>]] = [:]
    private let list: AppendFile

    /// The folder of `rig` below `directory`, held alone. What a torn write left in the list is
    /// cut.
    ///
    /// - Throws: `PullError.running` when another pull holds it.
    public init(directory: String, rig: String) throws(PullError) {
        path = directory + "/" + rig
        do throws(WorldError) { try Files.makeDirectories(path + "/.partial") } catch {
            throw .file(error)
        }
        do throws(WorldError) { lock = try InstanceLock(path: path + "/.lock") } catch {
            if case .busy = error { throw .running(folder: path) }
            throw .file(error)
        }
        let bytes: [UInt8]
        do throws(WorldError) {
            list = try AppendFile(path: path + "/" + Self.listName, mode: 0o644)
            bytes = try Files.read(path + "/" + Self.listName, limit: Self.listLimit)
            let whole = (bytes.lastIndex(of: 0x0A) ?? -1) + 1
            if whole < bytes.count { try list.truncate(to: Int64(whole)) }
        } catch { throw .file(error) }
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast()
        for (index, line) in lines.enumerated() {
            guard take(String(decoding: line, as: UTF8.self)) else {
                throw .list(path: path + "/" + Self.listName, line: index + 1)
            }
        }
    }

    private func take(_ line: String) -> Bool {
        let words = line.split(separator: " ")
        guard words.count >= 3, let log = Hexadecimal.bytes(words[1]), let number = UInt64(words[2])
        else { return line.isEmpty }
        let key = Key(log: log, number: number)
        switch words[0] {
        case "have":
            guard words.count >= 4, let hash = Hexadecimal.bytes(words[3]) else { return false }
            known[key] = Pulled(hash: hash, isAcknowledged: false)
        case "lost":
            guard words.count >= 4, let last = UInt64(words[3]), number <= last else {
                return false
            }
            lost[log, default: []].append(number...last)
        case "told": known[key]?.isAcknowledged = true
        default: return false
        }
        return true
    }

    /// What came of segment `number`; nil when it never came.
    public func pulled(_ number: UInt64, of log: [UInt8]) -> Pulled? {
        known[Key(log: log, number: number)]
    }

    /// Whether it was told already that segment `number` will never come.
    public func isLost(_ number: UInt64, of log: [UInt8]) -> Bool {
        lost[log]?.contains { $0.contains(number) } ?? false
    }

    /// Notes that segments will never come, so that it is told once.
    public func noteLost(
        _ numbers: ClosedRange<UInt64>, of log: [UInt8]
    ) throws(PullError) {
        try note(
            "lost \(Hexadecimal.text(log)) \(numbers.lowerBound) \(numbers.upperBound)")
        lost[log, default: []].append(numbers)
    }

    /// The largest number that came of a log; 0 for none.
    public func lastNumber(of log: [UInt8]) -> UInt64 {
        known.keys.lazy.filter { $0.log == log }.map(\.number).max() ?? 0
    }

    /// Where the half fetched `entry` lies. The hash is in the name: bytes of another state of
    /// the segment are never gone on with.
    public func partialPath(_ entry: SegmentEntry, of log: [UInt8]) -> String {
        path + "/.partial/" + Self.stem(entry.number, log) + "-"
            + Hexadecimal.text(entry.contentHash.prefix(8))
    }

    private static func stem(_ number: UInt64, _ log: [UInt8]) -> String {
        Hexadecimal.text(log.prefix(4)) + "-" + SegmentName.digits(number)
    }

    /// Moves the verified file at `partial` to where it belongs and writes it into the list.
    /// When this returns, both would survive a power cut.
    ///
    /// - Returns: the path it has now.
    public func keep(
        _ partial: String, _ entry: SegmentEntry, of log: [UInt8], day: WallTime
    ) throws(PullError) -> String {
        let folder = path + "/" + day.isoDate
        let final = folder + "/" + Self.stem(entry.number, log) + ".argentseg"
        do throws(WorldError) {
            try Files.makeDirectories(folder)
            try Files.move(partial, to: final)
            try Files.syncDirectory(path)
        } catch { throw .file(error) }
        let hash = Hexadecimal.text(entry.hash)
        let place = String(final.dropFirst(path.count + 1))
        try note("have \(Hexadecimal.text(log)) \(entry.number) \(hash) \(entry.size) \(place)")
        known[Key(log: log, number: entry.number)] = Pulled(
            hash: entry.hash, isAcknowledged: false)
        return final
    }

    /// Notes that the rig confirmed the acknowledgement.
    public func told(_ number: UInt64, of log: [UInt8]) throws(PullError) {
        try note("told \(Hexadecimal.text(log)) \(number)")
        known[Key(log: log, number: number)]?.isAcknowledged = true
    }

    private func note(_ line: String) throws(PullError) {
        let before = list.size
        do throws(WorldError) {
            try list.append(Array((line + "\n").utf8))
            try list.sync()
        } catch {
            try? list.truncate(to: before)
            throw .file(error)
        }
    }

    /// Removes half fetched files but for these.
    public func removePartials(except kept: Set<String>) {
        let folder = path + "/.partial"
        for name in (try? Files.list(folder)) ?? [] where !kept.contains(folder + "/" + name) {
            try? Files.remove(folder + "/" + name)
        }
    }
}
