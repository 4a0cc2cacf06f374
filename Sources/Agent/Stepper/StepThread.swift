import Instruments
import Quantities
import Synchronization
import World

/// Makes the steps of the motors on one chip on a thread of its own, before everything else in
/// the process: a step that is late by more than a part of its time is a jerk. What it is told
/// comes through a queue, what it does stands in atomics; it waits for nobody.
///
/// It stops by itself when the rig's loop gives no sign of life: see `StepMotor`.
package final class StepThread: StepBackend, @unchecked Sendable {
    /// Above the rig's loop, whose turns are longer than a step may be late.
    package static let priority = 60
    /// Longest sleep, so that what it does is never known for older than this.
    private static let restPeriod = TimeSpan.milliseconds(20)
    /// Nearer than this it sleeps to the very time of the step; commands are taken up afterwards.
    private static let closePeriod = TimeSpan.milliseconds(1)
    /// The kernel wakes a thread some tens of microseconds late: it is asked to do so earlier, and
    /// the rest is spent waiting awake.
    private static let wakeLead = TimeSpan.microseconds(50)
    private static let retryPeriod = TimeSpan.milliseconds(500)
    /// Age of what is known at which the thread counts as stuck.
    private static let stuckAfter = TimeSpan.milliseconds(500)

    /// What one motor does, for the other thread.
    private final class Shown: Sendable {
        let serial = Atomic<Int>(0)
        let made = Atomic<Int64>(0)
        let flags = Atomic<UInt8>(0)
        let slips = Atomic<Int>(0)
    }

    private let settings: [StepLines]
    private let open: @Sendable ([OutputLineSettings]) throws(WorldError) -> any OutputLines
    private let commands = BoundedQueue<StepCommand>(capacity: 256)
    private let notices = BoundedQueue<String>(capacity: 16)
    private let shown: [Shown]
    private let shownAt = Atomic<Int64>(0)
    private let fedAt = Atomic<Int64>(0)
    private let hasLines = Atomic<Bool>(false)
    private let mustHalt = Atomic<Bool>(false)
    private let mustEnd = Atomic<Bool>(false)
    private let bell: WakeHandle
    private let note: @Sendable (TimeSpan) -> Void
    private var thread: Thread?

    /// Starts a thread for the motors of `settings`; `note` is told, on that thread, how late
    /// each step was.
    package init(
        _ settings: [StepLines], note: @escaping @Sendable (TimeSpan) -> Void = { _ in },
        open: @escaping @Sendable ([OutputLineSettings]) throws(WorldError) -> any OutputLines = {
            (lines) throws(WorldError) in try GPIOLines.openOutputs(lines)
        }
    ) throws(WorldError) {
        self.settings = settings
        self.open = open
        self.note = note
        shown = settings.map { _ in Shown() }
        bell = try WakeHandle()
        // The thread ends before this object does (see `close`).
        let me = Unmanaged.passUnretained(self)
        thread = try Thread.start(name: "steps", schedule: .fifo(priority: Self.priority)) {
            me.takeUnretainedValue().work()
        }
        if let lost = thread?.degradation { _ = notices.push("steps: \(lost)") }
    }

    deinit { close() }

    package var isOpen: Bool {
        hasLines.load(ordering: .acquiring)
            && Clocks.now - Instant(nanoseconds: shownAt.load(ordering: .relaxed))
                < Self.stuckAfter
    }

    package func takeNotice() -> String? { notices.pop() }

    package func send(_ command: StepCommand) -> Bool {
        let isQueued = commands.push(command)
        // A queue nobody empties: whatever moves shall not go on as it was told before.
        if !isQueued { mustHalt.store(true, ordering: .releasing) }
        bell.signal()
        return isQueued
    }

    package func status(_ motor: Int) -> StepStatus {
        guard shown.indices.contains(motor) else { return StepStatus() }
        let entry = shown[motor]
        let serial = entry.serial.load(ordering: .acquiring)
        let flags = entry.flags.load(ordering: .relaxed)
        return StepStatus(
            serial: serial, made: entry.made.load(ordering: .relaxed),
            isRunning: flags & 1 != 0, isDead: flags & 2 != 0,
            at: Instant(nanoseconds: shownAt.load(ordering: .relaxed)))
    }

    /// Steps of `motor` that were too late to keep their time.
    package func slips(_ motor: Int) -> Int {
        shown.indices.contains(motor) ? shown[motor].slips.load(ordering: .relaxed) : 0
    }

    package func turn(at now: Instant) {
        fedAt.store(now.nanoseconds, ordering: .relaxed)
    }

    package var deadline: Instant { .distantFuture }

    package func close() {
        guard let running = thread else { return }
        mustEnd.store(true, ordering: .releasing)
        bell.signal()
        running.join()
        thread = nil
    }

    // MARK: On the thread

    private func work() {
        var told: WorldError?
        while !mustEnd.load(ordering: .acquiring) {
            do throws(WorldError) {
                let lines = try open(settings.flatMap(\.all))
                told = nil
                try hold(lines)
            } catch {
                hasLines.store(false, ordering: .releasing)
                if told != error { _ = notices.push("\(error)") }
                told = error
                bell.wait(until: Clocks.now + Self.retryPeriod)
            }
        }
    }

    /// Makes steps until the end, or until a line is gone.
    private func hold(_ lines: any OutputLines) throws(WorldError) {
        let driver = StepDriver(settings, lines: lines, holdsPulse: true, clock: { Clocks.now })
        driver.noteLateness = note
        defer { driver.close() }
        // What was told to lines that were not there yet is void: the pump tells it again.
        while commands.pop() != nil {}
        show(driver)
        hasLines.store(true, ordering: .releasing)
        while !mustEnd.load(ordering: .acquiring) {
            let now = Clocks.now
            while let command = commands.pop() { driver.apply(command, at: now) }
            if mustHalt.exchange(false, ordering: .acquiring) { driver.haltAll(at: now) }
            driver.feed(at: Instant(nanoseconds: fedAt.load(ordering: .relaxed)))
            try driver.turn()
            show(driver)
            let next = driver.deadline
            if next - Clocks.now < Self.closePeriod {
                Clocks.sleep(until: next - Self.wakeLead)
                Clocks.spin(until: next)
            } else {
                let limit = Clocks.now + Self.restPeriod
                bell.wait(until: min(next - Self.closePeriod, limit))
            }
        }
    }

    private func show(_ driver: StepDriver) {
        let now = Clocks.now
        shownAt.store(now.nanoseconds, ordering: .relaxed)
        for (index, entry) in shown.enumerated() {
            let status = driver.status(index, at: now)
            entry.made.store(status.made, ordering: .relaxed)
            entry.slips.store(driver.slips(index), ordering: .relaxed)
            let flags: UInt8 = (status.isRunning ? 1 : 0) | (status.isDead ? 2 : 0)
            entry.flags.store(flags, ordering: .relaxed)
            entry.serial.store(status.serial, ordering: .releasing)
        }
    }
}
