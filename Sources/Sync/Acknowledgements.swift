import RunLog
import Synchronization
import World

/// Which segments which peers have: verified and safe on their disks, as they said. One small
/// file per peer, replaced as a whole; for any thread.
///
///     argent acknowledged 1
///     6f3a…c2 1-12 14
public final class Acknowledgements: Sendable {
    /// Name of the folder beside the identity.
    public static let folderName = "acknowledged"
    /// Logs remembered for a peer, the latest ones…
    static let logLimit = 64
    /// …and stretches of numbers in each.
    static let rangeLimit = 1_024
    private static let title = "argent acknowledged 1"
    private static let sizeLimit = 1 << 20

    private struct Numbers: Sendable {
        var log: [UInt8]
        /// Ascending, with gaps between them.
        var ranges: [ClosedRange<UInt64>] = []

        func contains(_ number: UInt64) -> Bool { ranges.contains { $0.contains(number) } }

        mutating func insert(_ number: UInt64) {
            var low = number
            var high = number
            ranges.removeAll { range in
                let touches =
                    range.lowerBound <= high.saturated(adding: 1)
                    && low <= range.upperBound.saturated(adding: 1)
                if touches {
                    low = min(low, range.lowerBound)
                    high = max(high, range.upperBound)
                }
                return touches
            }
            let place = ranges.firstIndex { $0.lowerBound > high } ?? ranges.count
            ranges.insert(low...high, at: place)
            // The oldest stretches go first: forgetting one only keeps its segments longer.
            if ranges.count > Acknowledgements.rangeLimit { ranges.removeFirst() }
        }
    }

    private let folder: String
    private let known: Mutex<[Fingerprint: [Numbers]]>

    /// What was acknowledged so far, in the folder below `directory`. A file that cannot be read
    /// counts as nothing acknowledged: that keeps more, never less.
    ///
    /// - Throws: when the folder can be neither read nor made.
    public init(directory: String) throws(WorldError) {
        folder = directory + "/" + Self.folderName
        try Files.makeDirectories(folder, mode: 0o700)
        Files.giveToDirectoryOwner(folder)
        var all: [Fingerprint: [Numbers]] = [:]
        for name in try Files.list(folder) {
            guard let peer = Fingerprint(name) else {
                // What a killed process was about to write.
                let parts = name.split(separator: ".", omittingEmptySubsequences: false)
                if parts.dropFirst().contains(where: { $0.hasPrefix("tmp-") }) {
                    try Files.remove(folder + "/" + name)
                }
                continue
            }
            all[peer] = Self.read(folder + "/" + name)
        }
        known = Mutex(all)
    }

    /// Remembers that `peer` has segment `number` of `log`. Returns once that would survive a
    /// power cut; what is known already costs nothing.
    public func record(
        _ number: UInt64, of log: [UInt8], by peer: Fingerprint
    ) throws(WorldError) {
        var logs = known.withLock { $0[peer] ?? [] }
        let place = logs.firstIndex { $0.log == log }
        var numbers = place.map { logs.remove(at: $0) } ?? Numbers(log: log)
        guard !numbers.contains(number) else { return }
        numbers.insert(number)
        logs.append(numbers)
        if logs.count > Self.logLimit { logs.removeFirst() }
        let text = ([Self.title] + logs.map(Self.line)).joined(separator: "\n") + "\n"
        try Files.replace(
            folder + "/" + Hexadecimal.text(peer.digest), with: Array(text.utf8), mode: 0o600)
        let kept = logs
        known.withLock { $0[peer] = kept }
    }

    /// Whether `peer` has segment `number` of `log`.
    public func has(_ peer: Fingerprint, segment number: UInt64, of log: [UInt8]) -> Bool {
        known.withLock { $0[peer]?.first { $0.log == log }?.contains(number) ?? false }
    }

    /// Whether at least one of `peers` has segment `number` of `log`.
    public func anyHas(_ peers: [Fingerprint], segment number: UInt64, of log: [UInt8]) -> Bool {
        peers.contains { has($0, segment: number, of: log) }
    }

    /// Whether all of `peers`, and there is one at least, have segment `number` of `log`.
    public func everyHas(
        _ peers: [Fingerprint], segment number: UInt64, of log: [UInt8]
    ) -> Bool {
        !peers.isEmpty && peers.allSatisfy { has($0, segment: number, of: log) }
    }

    private static func line(_ numbers: Numbers) -> String {
        let ranges = numbers.ranges.map {
            $0.lowerBound == $0.upperBound
                ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
        }
        return ([Hexadecimal.text(numbers.log)] + ranges).joined(separator: " ")
    }

    private static func read(_ path: String) -> [Numbers] {
        guard let bytes = try? Files.read(path, limit: sizeLimit) else { return [] }
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")[...]
        guard lines.popFirst().map(String.init) == title else { return [] }
        return lines.prefix(logLimit).compactMap { line in
            var words = line.split(separator: " ")[...]
            guard let log = words.popFirst().flatMap({ Hexadecimal.bytes($0) }) else { return nil }
            var numbers = Numbers(log: log)
            for word in words.prefix(rangeLimit) {
                let ends = word.split(separator: "-").map { UInt64($0) }
                guard (1...2).contains(ends.count), let low = ends[0],
                    let high = ends[ends.count - 1], low <= high,
                    low > numbers.ranges.last?.upperBound ?? 0
                else { return nil }
                numbers.ranges.append(low...high)
            }
            return numbers
        }
    }
}

extension UInt64 {
    /// The sum, or the largest number where it would be larger.
    func saturated(adding other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
