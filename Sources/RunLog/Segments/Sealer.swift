import World

/// Turns one closed active segment into a sealed one, in small steps; whoever takes them may do
/// something else in between. A crash at any point loses nothing: the new file gets its name when
/// it is safe on the disk, and only then the active one goes.
final class Sealer {
    /// Bytes of the new file that may wait for a sync, so that no single sync takes long.
    static let unsyncedLimit = 1024 * 1024

    let number: UInt64
    private let storage: any LogStorage
    private let signer: (any SegmentSigner)?
    private var reader: JournalReader
    private var builder: SegmentBuilder
    private let file: any StoredFile
    private var unsynced = 0
    private var stage = Stage.frames

    private enum Stage { case frames, seal, publish, remove }

    /// What a step achieved.
    enum Progress: Equatable {
        case working
        case sealed(SealedSegment)
    }

    /// Begins: opens the active segment and makes the new file.
    init(
        number: UInt64, logIdentifier: LogIdentifier, previousHash: [UInt8],
        expected: JournalHeader, storage: any LogStorage, level: Int32,
        signer: (any SegmentSigner)?
    ) throws(SegmentError) {
        self.number = number
        self.storage = storage
        self.signer = signer
        do throws(WorldError) {
            reader = JournalReader(
                try storage.openForReading(SegmentName.active(number)), assuming: expected)
        } catch { throw .disk(error) }
        let header: JournalHeader?
        do throws(JournalError) { header = try reader.readHead() } catch { throw .active(error) }
        let head = SegmentHead(
            logIdentifier: logIdentifier, number: number,
            firstSequence: header?.firstSequence ?? expected.firstSequence,
            previousHash: previousHash)
        builder = SegmentBuilder(head: head, level: level)
        do throws(WorldError) {
            file = try storage.openForAppend(SegmentName.unfinished(number))
            if file.size > 0 { try file.truncate(to: 0) }
            try file.append(builder.begin())
        } catch { throw .disk(error) }
    }

    /// Gives up what is done so far. Safe at any time.
    func abandon() {
        file.close()
        // What stays behind is thrown away by the next attempt, or at the next start.
        try? storage.remove(SegmentName.unfinished(number))
    }

    /// Does the next piece of work: at most one frame is compressed, at most `unsyncedLimit` and
    /// a frame are waited for. After a throw the sealer is of no more use: `abandon` it.
    func step() throws(SegmentError) -> Progress {
        switch stage {
        case .frames: if try addFrame() { stage = .seal }
        case .seal:
            let end = try builder.finish(signer: signer)
            try disk { () throws(WorldError) in
                try file.append(end)
                try file.sync()
            }
            stage = .publish
        case .publish:
            file.close()
            try disk { () throws(WorldError) in
                try storage.rename(
                    SegmentName.unfinished(number), to: SegmentName.sealed(number))
                try storage.syncDirectory()
            }
            stage = .remove
        case .remove:
            try disk { () throws(WorldError) in
                try storage.remove(SegmentName.active(number))
            }
            let path = storage.path + "/" + SegmentName.sealed(number)
            if let segment = builder.segment(path: path) { return .sealed(segment) }
        }
        return .working
    }

    private func disk(_ work: () throws(WorldError) -> Void) throws(SegmentError) {
        do throws(WorldError) { try work() } catch { throw .disk(error) }
    }

    /// Adds the next frame; true when that was the last.
    private func addFrame() throws(SegmentError) -> Bool {
        let isAtEnd = try collect()
        let frame = try builder.frame()
        unsynced += frame.count
        try disk { () throws(WorldError) in
            if !frame.isEmpty { try file.append(frame) }
            if unsynced >= Self.unsyncedLimit {
                try file.sync()
                unsynced = 0
            }
        }
        return isAtEnd
    }

    /// Adds records until there are enough for a frame; true at the end of the segment.
    private func collect() throws(SegmentError) -> Bool {
        do throws(JournalError) {
            while !builder.hasFrame {
                guard let entry = try reader.nextRaw() else { return true }
                switch entry {
                case .payload(let sequence, let payload):
                    builder.add(sequence: sequence, payload)
                case .gap(let gap): builder.add(gap)
                }
            }
            return false
        } catch { throw .active(error) }
    }
}
