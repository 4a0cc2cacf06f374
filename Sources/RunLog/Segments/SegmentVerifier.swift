import World

/// Something that is wrong with a sealed segment.
public enum SegmentProblem: Equatable, Sendable, CustomStringConvertible {
    /// It cannot be read.
    case unreadable(SegmentError)
    /// It was changed after it was sealed: its hash is another.
    case changed
    /// Frame `number` (from 0) is not what the index says.
    case frame(number: Int)
    /// It belongs to another log than the segment before it.
    case otherLog
    /// Segments are missing between it and the one before.
    case segmentsMissing(after: UInt64, before: UInt64)
    /// It names another segment before it than the one that is there.
    case chainBroken
    /// Records are missing between it and the segment before: so many.
    case recordsMissing(UInt64)
    /// It has no signature, and one is wanted.
    case unsigned
    /// It was signed with another key than the one that is wanted.
    case otherKey
    /// Its signature is wrong.
    case badSignature

    /// What is wrong, for people.
    public var description: String {
        switch self {
        case .unreadable(let error): "\(error)"
        case .changed: "it was changed or damaged after it was sealed; take it from another copy"
        case .frame(let number): "frame \(number) is damaged; take it from another copy"
        case .otherLog: "it belongs to another log than the segment before it"
        case .segmentsMissing(let after, let before):
            "segments \(after + 1) to \(before - 1) are missing before it"
        case .chainBroken: "it does not follow the segment before it: one of them was replaced"
        case .recordsMissing(let count): "\(count) records are missing before it"
        case .unsigned: "it is not signed"
        case .otherKey: "it was signed with another key than the rig's"
        case .badSignature: "its signature is wrong"
        }
    }
}

/// What verifying a segment found.
public struct SegmentReport: Equatable, Sendable {
    /// What the segment says of itself; nil when it cannot be read.
    public var segment: SealedSegment?
    /// Its index; nil when it cannot be read.
    public var index: SegmentIndex?
    /// Everything that is wrong.
    public var problems: [SegmentProblem] = []
    /// Records that were read.
    public var records = 0
    /// Records that were missing or damaged already when it was sealed.
    public var missingRecords: UInt64 = 0

    /// Whether this is the very segment that was sealed, and follows the one before.
    public var isSound: Bool { problems.isEmpty }
}

/// Says whether a file is the very segment that was sealed, and the one that follows another.
public enum SegmentVerifier {
    /// Bytes read at once.
    private static let pieceSize = 256 * 1024

    /// Reads all of `source`: hash, signature, every frame against the index; with `previous`
    /// the chain as well. With `key`, a signature of exactly this public key (32 bytes) is
    /// wanted. Holds one frame in memory at most.
    ///
    /// - Throws: `disk` alone: what is wrong with the segment is in the report.
    public static func verify(
        _ source: any ByteSource, path: String = "", after previous: SealedSegment? = nil,
        key: [UInt8]? = nil
    ) throws(SegmentError) -> SegmentReport {
        var report = SegmentReport()
        let reader: SegmentReader
        let map: SegmentMap
        do throws(SegmentError) {
            map = try SegmentMap(source, path: path)
            reader = SegmentReader(source, map)
        } catch {
            if case .disk = error { throw error }
            report.problems.append(.unreadable(error))
            return report
        }
        let segment = map.segment
        report.segment = segment
        report.index = map.index
        if try hash(source, to: map.sealStart) != segment.contentHash {
            report.problems.append(.changed)
        }
        for number in map.index.frames.indices {
            do throws(SegmentError) {
                report.records += try reader.payloads(ofFrame: number).count
            } catch {
                if case .disk = error { throw error }
                report.problems.append(.frame(number: number))
            }
        }
        report.missingRecords = map.index.gaps.reduce(0) { $0 &+ $1.records }
        report.problems += signatureProblems(segment, key: key)
        if let previous { report.problems += chainProblems(segment, after: previous) }
        return report
    }

    private static func hash(
        _ source: any ByteSource, to end: Int64
    ) throws(SegmentError) -> [UInt8] {
        let digest = RunningDigest()
        var offset: Int64 = 0
        while offset < end {
            let count = Int(min(Int64(pieceSize), end - offset))
            guard let piece = try source.exactly(count, at: offset) else { break }
            digest.add(piece)
            offset += Int64(count)
        }
        return digest.finishBytes()
    }

    private static func signatureProblems(
        _ segment: SealedSegment, key: [UInt8]?
    ) -> [SegmentProblem] {
        var problems: [SegmentProblem] = []
        let seals =
            [
                OriginalSeal(
                    hash: segment.contentHash, publicKey: segment.publicKey,
                    signature: segment.signature)
            ] + (segment.original.map { [$0] } ?? [])
        for seal in seals {
            guard let publicKey = seal.publicKey, let signature = seal.signature else {
                if key != nil { problems.append(.unsigned) }
                continue
            }
            if let key, key != publicKey { problems.append(.otherKey) }
            let text = SegmentFormat.signedText(hash: seal.hash)
            if !Ed25519.verify(signature, of: text, publicKey: publicKey) {
                problems.append(.badSignature)
            }
        }
        return problems
    }

    private static func chainProblems(
        _ segment: SealedSegment, after previous: SealedSegment
    ) -> [SegmentProblem] {
        guard segment.logIdentifier == previous.logIdentifier else { return [.otherLog] }
        guard segment.number == previous.number + 1 else {
            return segment.number > previous.number
                ? [.segmentsMissing(after: previous.number, before: segment.number)]
                : [.chainBroken]
        }
        guard segment.previousHash == previous.hash,
            segment.firstSequence > previous.lastSequence
        else { return [.chainBroken] }
        let missing = segment.firstSequence - previous.lastSequence - 1
        return missing > 0 && !previous.isThinned ? [.recordsMissing(missing)] : []
    }
}
