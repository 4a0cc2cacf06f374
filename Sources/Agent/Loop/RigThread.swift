import Configuration
import Quantities
import Synchronization
import World

/// Somebody who looks over the rig thread's shoulder: measuring programs.
package protocol RigProbe: AnyObject {
    /// A turn is over and the next wait has not begun. Called by the rig thread.
    func turned(at now: Instant)
}

/// The thread that holds the rig: turns on an absolute schedule and whenever something arrives,
/// before everything else in the process. What it needs is made before it starts; what it finds
/// out it hands down and never waits for.
final class RigThread: @unchecked Sendable {
    /// How often the picture for `argent status` is drawn. Set before `start`.
    var picturePeriod = TimeSpan.milliseconds(200)
    /// Memory touched beforehand, for what is still allocated now and then.
    static let heapReserve = 8 << 20

    private let rig: RigLoop
    private let link: RigLink
    private let settings: RealtimeSettings
    private let over = Atomic<Bool>(false)
    private var thread: Thread?
    /// Looks on, where somebody wants to measure. Set before `start`.
    var probe: (any RigProbe)?

    /// A thread for `rig`, which belongs to it from `start` until `join` has returned.
    init(rig: RigLoop, link: RigLink, settings: RealtimeSettings) {
        self.rig = rig
        self.link = link
        self.settings = settings
    }

    /// Starts it.
    func start() throws(WorldError) {
        // The thread ends before this object does (see `join`).
        let me = Unmanaged.passUnretained(self)
        thread = try Thread.start(name: "rig") { me.takeUnretainedValue().work() }
    }

    /// Whether the rig has come to rest, or had its time for it.
    var isOver: Bool { over.load(ordering: .acquiring) }

    /// Waits until it has ended. Only after it was told to halt.
    func join() {
        thread?.join()
        thread = nil
    }

    /// Asks for what a real-time thread needs, and says what it did not get.
    private func prepare() {
        let now = rig.world.now
        func need(_ refusal: String?) {
            if let refusal { rig.tell(.lost(refusal), at: now) }
        }
        Thread.useExactTimers()
        if settings.locksMemory {
            need(Memory.keepHeap(touching: Self.heapReserve))
            need(Memory.lock())
            Thread.touchStack()
        }
        if settings.cpu >= 0 { need(Thread.pin(to: settings.cpu)) }
        if settings.priority > 0 { need(Idling.stayAwake()) }
        if settings.priority > 0 { need(Thread.become(.fifo(priority: settings.priority))) }
    }

    private func work() {
        prepare()
        var schedule = RigSchedule(period: settings.period, start: rig.world.now)
        var notice = MissedTurnsNotice()
        var drawnAt = Instant.zero
        while true {
            rig.serve(link)
            rig.turn()
            var now = rig.world.now
            if let missed = notice.take(at: now) { rig.tell(missed, at: now) }
            if now - drawnAt >= picturePeriod {
                drawnAt = now
                rig.draw(for: link)
            }
            rig.handOver(to: link)
            now = rig.measured(.handOver, from: now)
            if rig.isOver(at: now) { break }
            probe?.turned(at: now)
            rig.world.wait(until: min(schedule.next, rig.deadline))
            now = rig.world.now
            guard let (lateness, missed) = schedule.wake(at: now) else { continue }
            rig.meter?.lateness.note(lateness)
            if missed > 0 {
                rig.meter?.noteMissed(missed)
                notice.note(missed, lateness: lateness)
            }
        }
        rig.draw(for: link)
        rig.tell(.ended(atRest: rig.controller.isAtRest), at: rig.world.now)
        rig.handOver(to: link)
        over.store(true, ordering: .releasing)
        link.wakeSteward()
    }
}
