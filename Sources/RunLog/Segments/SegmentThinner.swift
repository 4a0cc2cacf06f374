import World

/// Rewrites a sealed segment without its spectra blocks, in small steps. The new file takes the
/// old one's name when it is safe on the disk, so that a crash leaves one or the other. It carries
/// the seal the segment had: chain and proof stay what they were.
final class SegmentThinner {
    /// Types of records that are taken out.
    static let bulk: Set<UInt64> = [15]
    /// Bytes of the new file that may wait for a sync, so that no single sync takes long.
    private static let unsyncedLimit = 1024 * 1024

    let number: UInt64
    private let storage: any LogStorage
    private let signer: (any SegmentSigner)?
    private let reader: SegmentReader
    private var builder: SegmentBuilder
    private let file: any StoredFile
    private var frame = 0
    private var unsynced = 0
    private var isComplete = false

    /// Whether there is anything in a segment with this index to take out.
    static func hasBulk(_ index: SegmentIndex) -> Bool {
        index.frames.contains { frame in frame.types.contains { bulk.contains($0.type) } }
    }

    /// Begins: opens the segment and makes the new file.
    init(
        number: UInt64, storage: any LogStorage, level: Int32, signer: (any SegmentSigner)?
    ) throws(SegmentError) {
        self.number = number
        self.storage = storage
        self.signer = signer
        let name = SegmentName.sealed(number)
        reader = try SegmentReader(
            try LogDirectory.open(name, in: storage), path: storage.path + "/" + name)
        let old = reader.segment
        let head = SegmentHead(
            logIdentifier: old.logIdentifier, number: old.number,
            firstSequence: old.firstSequence, previousHash: old.previousHash,
            original: old.original
                ?? OriginalSeal(
                    hash: old.contentHash, publicKey: old.publicKey, signature: old.signature))
        builder = SegmentBuilder(head: head, level: level)
        for gap in reader.index.gaps { builder.keep(gap) }
        do throws(WorldError) {
            file = try storage.openForAppend(SegmentName.unfinished(number))
            if file.size > 0 { try file.truncate(to: 0) }
            try file.append(builder.begin())
        } catch { throw .disk(error) }
    }

    /// Gives up what is done so far. Safe at any time.
    func abandon() {
        file.close()
        try? storage.remove(SegmentName.unfinished(number))
    }

    /// Does the next piece of work: at most one frame is read and one compressed. Returns the
    /// segment as it is now once that is done. After a throw the thinner is of no more use:
    /// `abandon` it.
    func step() throws(SegmentError) -> SealedSegment? {
        if frame < reader.index.frames.count {
            for record in try reader.payloads(ofFrame: frame) {
                guard let facts = RecordFacts(record.bytes), Self.bulk.contains(facts.type) else {
                    builder.add(sequence: record.sequence, record.bytes)
                    continue
                }
            }
            frame += 1
            if builder.hasFrame { try append(try builder.frame()) }
            return nil
        }
        if !isComplete {
            try append(try builder.frame())
            try append(try builder.finish(signer: signer))
            try disk { () throws(WorldError) in try file.sync() }
            isComplete = true
            return nil
        }
        file.close()
        try disk { () throws(WorldError) in
            try storage.rename(SegmentName.unfinished(number), to: SegmentName.sealed(number))
            try storage.syncDirectory()
        }
        return builder.segment(path: storage.path + "/" + SegmentName.sealed(number))
    }

    private func append(_ bytes: [UInt8]) throws(SegmentError) {
        guard !bytes.isEmpty else { return }
        try disk { () throws(WorldError) in
            try file.append(bytes)
            unsynced += bytes.count
            if unsynced >= Self.unsyncedLimit {
                try file.sync()
                unsynced = 0
            }
        }
    }

    private func disk(_ work: () throws(WorldError) -> Void) throws(SegmentError) {
        do throws(WorldError) { try work() } catch { throw .disk(error) }
    }
}
