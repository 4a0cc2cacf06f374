import RunLog

/// Somebody who wants to see every record as it is written.
public protocol RecordObserver: AnyObject {
    /// The log held `done` conditions with data already; `best` is the best of them. Called
    /// once, before the first record.
    func takeUp(done: Int, best: (condition: Int, loss: Double)?)
    /// `record` was handed to the journal.
    func observe(_ record: Record)
}

extension RecordObserver {
    /// Most observers do not care what was before.
    public func takeUp(done: Int, best: (condition: Int, loss: Double)?) {}

    func takeUp(_ resumed: ResumedCampaign) {
        takeUp(
            done: resumed.campaign.history.count,
            best: resumed.campaign.best.flatMap { best in best.loss.map { (best.number, $0) } })
    }
}

/// Where records go. Two kinds: one that writes at once (virtual clock), one that writes on a
/// thread of its own (a board).
protocol Archive: AnyObject {
    /// Takes `record`. Never blocks; never loses one: what cannot be written yet is kept.
    func append(_ record: Record)
    /// Everything taken so far shall be on the disk soon (the writer decides when exactly).
    func flush()
    /// Why records cannot be written at the moment; nil when they can.
    var failure: String? { get }
    /// What is lacking where room for records runs short; nil while there is enough.
    var shortage: String? { get }
    /// Writes what is left, syncs, and ends.
    func close()
}

extension Archive {
    /// Nobody looks after the room.
    var shortage: String? { nil }
}

/// Writes at once, in the caller's thread: for the virtual clock, where nobody waits.
///
/// Every record is with the kernel at once, but the disk is only waited for when much has
/// gathered, when a segment ends and at the end: a second of such a clock takes less than one turn
/// of a disk, and a power cut costs nothing that cannot be computed again.
final class DirectArchive: Archive {
    /// Bytes that gather before the disk is waited for; well below what the journal holds.
    private static let gathering = 4 * 1024 * 1024
    private let log: SegmentedLog
    private let observer: (any RecordObserver)?
    private let room: LogRoom?
    private(set) var failure: String?

    /// `room` is kept as well, where there is one.
    init(log: SegmentedLog, observer: (any RecordObserver)?, room: LogRoom? = nil) {
        self.log = log
        self.observer = observer
        self.room = room
    }

    func append(_ record: Record) {
        write(record)
        while log.maintain(at: record.at) {}
        guard let room else { return }
        if !log.takeSealed().isEmpty { room.sealed() }
        var records: [Record] = []
        repeat { room.keep(log, at: record.at, into: &records) } while room.isBusy
        for record in records { write(record) }
    }

    private func write(_ record: Record) {
        do {
            try log.append([record])
            observer?.observe(record)
        } catch { failure = "\(error)" }
    }

    var shortage: String? { room?.shortage }

    func flush() {
        guard failure != nil || log.unsyncedBytes >= Self.gathering else { return }
        do { try log.sync() } catch { failure = "\(error)" }
    }

    func close() {
        room?.close()
        do { try log.sealAll() } catch { failure = "\(error)" }
        log.close()
    }
}
