import Quantities
import RunLog
import Synchronization
import World

/// Writes on a thread of its own, which also serves the control socket: the steward
/// hands records over a bounded queue and never waits for a disk.
///
/// A record is acknowledged once `sync` has returned for it. When the disk refuses, records stay
/// in order in memory and are tried again; the rig learns of it through `failure` and goes safe.
/// A disk that neither takes nor refuses is a failure as well, after `usualAnswerLimit`.
final class ThreadedArchive: Archive, @unchecked Sendable {
    /// Records on their way to the disk at most; at 20 droplets a second, minutes of them.
    static let queueCapacity = 8_192
    /// Records kept beside a full queue at most, before the rig is told to stop.
    static let overflowLimit = 65_536
    /// Time between two tries to write what the disk refused.
    static let retryPeriod = TimeSpan.milliseconds(500)
    /// Longest time that one turn of the thread may take: memory cards pause for seconds when they
    /// tidy up, and what takes longer than this is not tidying up.
    static let usualAnswerLimit = TimeSpan.seconds(10)

    // Steward's own.
    private var overflow: [Record] = []

    // Shared.
    private let queue = BoundedQueue<Record>(capacity: queueCapacity)
    private let isClosing = Atomic<Bool>(false)
    private let problem = Mutex<String?>(nil)
    /// When the turn of the thread began that is under way, ns; 0: none is.
    private let turnBegan = Atomic<Int64>(0)
    private let waker: WakeHandle

    private let answerLimit: TimeSpan

    // Archive thread's own.
    private let log: SegmentedLog
    private let observer: (any RecordObserver)?
    private let control: ControlServer?
    private let room: LogRoom?
    private var pending: [Record] = []
    /// Written, but not made sure of and shown yet.
    private var unshown: [Record] = []
    private var retryAt = Instant.zero
    /// Why segments are not sealed, as far as it was noted in the log.
    private var toldProblem: String?
    private var thread: Thread?

    /// Starts the thread; `room` is worked for there too.
    init(
        log: SegmentedLog, observer: (any RecordObserver)?, control: ControlServer?,
        room: LogRoom? = nil, answerLimit: TimeSpan = usualAnswerLimit
    ) throws(WorldError) {
        self.answerLimit = answerLimit
        self.room = room
        self.log = log
        self.observer = observer
        self.control = control
        waker = try WakeHandle()
        control?.ring(waker)
        // The thread ends before this object does (see `close`).
        let me = Unmanaged.passUnretained(self)
        thread = try Thread.start(name: "archive") { me.takeUnretainedValue().work() }
    }

    // MARK: - Steward

    func append(_ record: Record) {
        while let first = overflow.first, queue.push(first) { overflow.removeFirst() }
        guard !overflow.isEmpty || !queue.push(record) else { return }
        overflow.append(record)
    }

    func flush() {
        while let first = overflow.first, queue.push(first) { overflow.removeFirst() }
        waker.signal()
    }

    var failure: String? {
        // Nobody contends any more once the thread has ended.
        guard thread != nil else { return problem.withLock { $0 } }
        guard overflow.count < Self.overflowLimit else {
            return "\(overflow.count) records wait for the disk"
        }
        let began = turnBegan.load(ordering: .relaxed)
        if began > 0, Clocks.now - Instant(nanoseconds: began) > answerLimit {
            return "the disk has not answered for \(answerLimit.inWords)"
        }
        return problem.withLock { $0 }
    }

    var shortage: String? { room?.shortage }

    func close() {
        while !overflow.isEmpty {
            flush()
            Clocks.sleep(.milliseconds(1))
        }
        isClosing.store(true, ordering: .releasing)
        waker.signal()
        thread?.join()
        thread = nil
    }

    // MARK: - Archive thread

    private func work() {
        var poller = Poller(waker: waker)
        control?.watch(&poller)
        var lastTry = false
        while true {
            let closing = isClosing.load(ordering: .acquiring)
            while let record = queue.pop() { pending.append(record) }
            let now = Clocks.now
            turnBegan.store(now.nanoseconds, ordering: .relaxed)
            room?.collect(at: now, isLast: closing, into: &pending)
            if !pending.isEmpty || log.hasUnsynced, now >= retryAt || closing {
                write(at: now)
                lastTry = closing
            }
            // Sealing comes last and in small steps: records and people do not wait for it.
            let moreToSeal = !closing && log.maintain(at: now)
            look(after: &pending, at: now, isClosing: closing)
            control?.turn(&poller, at: now)
            if closing, queue.count == 0, (pending.isEmpty && !log.hasUnsynced) || lastTry {
                break
            }
            turnBegan.store(0, ordering: .relaxed)
            let isBusy = moreToSeal || room?.isBusy ?? false
            _ = poller.wait(timeout: isBusy ? .zero : timeout(at: now))
        }
        control?.close()
        room?.close()
        // What cannot be sealed now is sealed at the next start.
        try? log.sealAll()
        log.close()
    }

    private func timeout(at now: Instant) -> TimeSpan {
        pending.isEmpty ? .milliseconds(200) : max(.milliseconds(1), retryAt - now)
    }

    /// Notes what hinders sealing, and keeps the log within its room.
    private func look(after records: inout [Record], at now: Instant, isClosing: Bool) {
        if log.sealingProblem != toldProblem {
            toldProblem = log.sealingProblem
            let text = toldProblem ?? "segments are sealed again"
            records.append(
                Record(
                    at: now, wall: Clocks.wallTime, body: .event(kind: "log-room", text: text)))
        }
        guard let room else { return }
        if !log.takeSealed().isEmpty { room.sealed() }
        guard !isClosing else { return }
        room.keep(log, at: now, into: &records)
    }

    private func write(at now: Instant) {
        do throws(JournalError) {
            if !pending.isEmpty {
                try log.append(pending)
                if observer != nil { unshown += pending }
                pending.removeAll(keepingCapacity: true)
            }
            try log.sync()
            // Only what is safe is shown, and showing comes last: it may take its time.
            for record in unshown { observer?.observe(record) }
            unshown.removeAll(keepingCapacity: true)
            problem.withLock { $0 = nil }
        } catch {
            retryAt = now + Self.retryPeriod
            problem.withLock { $0 = "the log cannot be written: \(error)" }
        }
    }
}
