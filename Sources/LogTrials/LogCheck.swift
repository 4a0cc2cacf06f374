import Numerics
import RunLog
import World

/// What must hold of a log's files after any power cut.
struct LogCheck {
    let workload: LogWorkload

    /// Opens the log in `files` and looks at what is left: every record from `first` up to
    /// `acknowledged`, as it was written, and none that was not; the same after opening again,
    /// and after another cut right behind. With `goesOn`, the log is then written on, sealed and
    /// verified.
    func check(
        _ files: [String: [UInt8]], from first: UInt64 = 1, acknowledged: UInt64, goesOn: Bool
    ) throws {
        let disk = SimulatedDisk(files)
        let found = try open(disk).found
        try compare(found, from: first, acknowledged: acknowledged)
        let once = disk.files
        let again = try open(disk)
        guard disk.files == once, again.found == found, again.recovery.droppedBytes == 0 else {
            throw TrialFailure("opening again changed the log")
        }
        let safe = disk.model.syncedOnly
        if safe != once {
            guard try open(SimulatedDisk(safe)).found == found else {
                throw TrialFailure("what was read while opening was not safe")
            }
        }
        if goesOn { try goOn(disk, found: found) }
    }

    /// The sequence numbers of the records found; each must be as it was written.
    private func open(
        _ disk: SimulatedDisk
    ) throws -> (found: [UInt64], recovery: LogRecovery) {
        var found: [UInt64] = []
        var strange: UInt64?
        let log = try SegmentedLog(disk, options: workload.options) { entry in
            switch entry {
            case .record(let sequence, let record):
                found.append(sequence)
                let index = Int(sequence) - 1
                if !workload.records.indices.contains(index) || workload.records[index] != record {
                    strange = sequence
                }
            case .unknown(let sequence, _), .unreadable(let sequence, _): strange = sequence
            case .gap: break
            }
        }
        log.close()
        if let strange { throw TrialFailure("record \(strange) is not what was written") }
        guard log.nextSequence > found.last ?? 0 else {
            throw TrialFailure("number \(log.nextSequence) would be given twice")
        }
        return (found, log.recovery)
    }

    private func compare(
        _ found: [UInt64], from first: UInt64, acknowledged: UInt64
    ) throws {
        guard zip(found, found.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw TrialFailure("records out of order: \(found)")
        }
        guard acknowledged >= first else { return }
        let wanted = first...acknowledged
        guard found.count >= wanted.count, found.prefix(wanted.count).elementsEqual(wanted) else {
            let missing = wanted.first { !found.contains($0) } ?? 0
            throw TrialFailure("record \(missing) was acknowledged and is gone")
        }
    }

    /// The segment in `bytes`, which must be sound, follow `previous`, and hold the workload's
    /// records.
    func settle(
        _ bytes: [UInt8], after previous: SealedSegment?
    ) throws -> SealedSegment {
        let report = try SegmentVerifier.verify(
            MemorySource(bytes), after: previous, key: workload.options.signer?.publicKey)
        guard report.isSound, let segment = report.segment else {
            throw TrialFailure("a sealed segment is not sound: \(report.problems)")
        }
        var reader = try SegmentReader(MemorySource(bytes))
        var next = segment.firstSequence
        while let entry = try reader.next() {
            guard case .record(next, let record) = entry,
                workload.records[Int(next) - 1] == record
            else { throw TrialFailure("record \(next) of segment \(segment.number): \(entry)") }
            next += 1
        }
        return segment
    }

    /// Another process takes the log up, writes a record and ends as it should.
    private func goOn(_ disk: SimulatedDisk, found: [UInt64]) throws {
        let log = try SegmentedLog(disk, options: workload.options)
        let number = try log.append([workload.records[0]])
        try log.sealAll()
        log.close()
        var read: [UInt64] = []
        var reader = try LogReader(disk)
        while let entry = try reader.next() {
            if case .record(let sequence, _) = entry { read.append(sequence) }
        }
        guard read == found + [number] else {
            throw TrialFailure("after sealing \(read.count) records of \(found.count + 1) are left")
        }
        try verify(disk)
    }

    /// Every file is a sealed segment, and each follows the one before.
    func verify(_ disk: SimulatedDisk) throws {
        var previous: SealedSegment?
        for name in disk.files.keys.sorted() {
            guard SegmentName.sealedNumber(name) != nil else {
                throw TrialFailure("\(name) was left behind")
            }
            let report = try SegmentVerifier.verify(
                try disk.openForReading(name), after: previous,
                key: workload.options.signer?.publicKey)
            guard report.isSound else {
                throw TrialFailure("\(name): \(report.problems)")
            }
            previous = report.segment
        }
    }
}
