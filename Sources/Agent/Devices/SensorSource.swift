import Configuration
import Quantities
import Rig
import Synchronization
import World

/// Where readings come from: a thread for each bus on a board, the loop itself under the virtual
/// clock. Also where the levels of expanders go.
protocol SensorSource: AnyObject {
    /// Appends the readings since the last call, oldest first. Never blocks.
    func take(into readings: inout [SensorReading], at now: Instant)
    /// What a person should know, once.
    func takeNotice() -> String?
    /// When `take` must be called at the latest.
    var deadline: Instant { get }
    /// The levels expander `index` shall have, bit 0 for A0.
    func setLevels(_ levels: UInt16, expander index: Int)
    /// Whether the chip of expander `index` was seen to have the levels it shall have, not
    /// longer ago than its `stale_after`.
    func isConfirmed(expander index: Int, at now: Instant) -> Bool
    /// Puts expanders at their safe levels where they still answer, and ends.
    func close()
}

/// Reads every bus in the loop's own turns: under the virtual clock.
final class DirectSensors: SensorSource {
    private let world: any World
    private let pollers: [BusPoller]
    private let settings: Settings
    private var notices: [String] = []
    private var seenAt: [Instant]

    init(_ settings: Settings, world: any World) {
        self.settings = settings
        self.world = world
        pollers = settings.buses.map { bus in
            BusPoller(bus: bus, settings: settings) { (bus, address) throws(WorldError) in
                try world.openI2C(bus: bus, address: address)
            }
        }
        seenAt = Array(repeating: .zero, count: settings.expanders.count)
    }

    func take(into readings: inout [SensorReading], at now: Instant) {
        for poller in pollers {
            poller.turn(
                clock: { world.now }, deliver: { readings.append($0) },
                tell: { if notices.count < 64 { notices.append($0) } })
            for entry in poller.latches where entry.latch.confirmed == entry.latch.wanted {
                seenAt[entry.expander] = now
            }
        }
    }

    func takeNotice() -> String? { notices.isEmpty ? nil : notices.removeFirst() }

    var deadline: Instant {
        var next = Instant.distantFuture
        for poller in pollers { next = min(next, poller.deadline) }
        return next
    }

    func setLevels(_ levels: UInt16, expander index: Int) {
        for poller in pollers {
            for entry in poller.latches where entry.expander == index {
                entry.latch.wanted = levels & entry.latch.outputs
            }
        }
    }

    func isConfirmed(expander index: Int, at now: Instant) -> Bool {
        now - seenAt[index] <= settings.expanders[index].staleAfter
    }

    func close() {
        for poller in pollers {
            for entry in poller.latches { entry.latch.wanted = entry.latch.safeLevels }
            poller.turn(clock: { world.now }, deliver: { _ in }, tell: { _ in })
            poller.close()
        }
    }
}

/// One bus and its thread: its calls may block for as long as the bus hangs, which the rest
/// notices by the age of its readings only.
final class BusThread: @unchecked Sendable {
    /// Readings kept for a loop that does not take them.
    static let queueCapacity = 512
    /// Longest sleep, so that changed levels and the end are seen soon.
    private static let restPeriod = TimeSpan.milliseconds(5)

    let readings = BoundedQueue<SensorReading>(capacity: queueCapacity)
    let notices = BoundedQueue<String>(capacity: 64)
    private let poller: BusPoller
    /// Per expander of the bus: wanted levels, and when they were last seen to be there.
    private let wanted: [Atomic32]
    private let seenAt: [Atomic64]
    private let lost = Atomic<Int>(0)
    private let mustEnd = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private var thread: Thread?

    /// A box, because atomics cannot stand in an array.
    final class Atomic32: Sendable {
        let value: Atomic<UInt32>
        init(_ value: UInt32) { self.value = Atomic(value) }
    }
    /// The same for times.
    final class Atomic64: Sendable {
        let value = Atomic<Int64>(0)
    }

    /// Starts a thread for `poller`, which belongs to it from here on.
    init(_ poller: BusPoller) throws(WorldError) {
        self.poller = poller
        wanted = poller.latches.map { Atomic32(UInt32($0.latch.safeLevels)) }
        seenAt = poller.latches.map { _ in Atomic64() }
        // The thread holds on to this object: it may hang in a call of the kernel at the end.
        let me = Unmanaged.passRetained(self)
        do throws(WorldError) {
            thread = try Thread.start(name: "bus") {
                me.takeUnretainedValue().work()
                me.release()
            }
        } catch {
            me.release()
            throw error
        }
    }

    /// The expanders on the bus, by their place in the configuration.
    var expanders: [Int] { poller.latches.map(\.expander) }

    func setLevels(_ levels: UInt16, place: Int) {
        wanted[place].value.store(UInt32(levels), ordering: .releasing)
    }

    func confirmedAt(place: Int) -> Instant {
        Instant(nanoseconds: seenAt[place].value.load(ordering: .acquiring))
    }

    private func work() {
        while !mustEnd.load(ordering: .acquiring) {
            turn()
            let limit = Clocks.now + Self.restPeriod
            Clocks.sleep(until: min(poller.deadline, limit))
        }
        for entry in poller.latches { entry.latch.wanted = entry.latch.safeLevels }
        poller.turn(clock: { Clocks.now }, deliver: { _ in }, tell: { _ in })
        poller.close()
        hasEnded.store(true, ordering: .releasing)
    }

    private func turn() {
        for (place, entry) in poller.latches.enumerated() {
            let levels = UInt16(truncatingIfNeeded: wanted[place].value.load(ordering: .acquiring))
            entry.latch.wanted = levels & entry.latch.outputs
        }
        poller.turn(
            clock: { Clocks.now },
            // What does not fit is lost, and missed by its age.
            deliver: { if !readings.push($0) { lost.add(1, ordering: .relaxed) } },
            tell: { _ = notices.push($0) })
        for (place, entry) in poller.latches.enumerated()
        where entry.latch.confirmed == entry.latch.wanted {
            seenAt[place].value.store(Clocks.now.nanoseconds, ordering: .releasing)
        }
    }

    /// Ends the thread, unless it hangs: then it is left behind, and ends when the bus lets go.
    func close(limit: TimeSpan) {
        mustEnd.store(true, ordering: .releasing)
        let end = Clocks.now + limit
        while !hasEnded.load(ordering: .acquiring), Clocks.now < end {
            Clocks.sleep(.milliseconds(1))
        }
        guard hasEnded.load(ordering: .acquiring) else { return }
        thread?.join()
        thread = nil
    }
}

/// Reads every bus on a thread of its own.
final class ThreadedSensors: SensorSource {
    /// Readings taken from one bus at one turn.
    private static let takeLimit = 64
    /// Time a bus is given to end.
    private static let closeLimit = TimeSpan.milliseconds(500)
    private let settings: Settings
    private let threads: [BusThread]
    /// Thread and place there of each expander.
    private let places: [(thread: Int, place: Int)?]

    init(_ settings: Settings, open: @escaping BusPoller.Opener) throws(WorldError) {
        self.settings = settings
        var threads: [BusThread] = []
        for bus in settings.buses {
            threads.append(
                try BusThread(BusPoller(bus: bus, settings: settings, open: open)))
        }
        self.threads = threads
        places = settings.expanders.indices.map { expander in
            for (index, thread) in threads.enumerated() {
                if let place = thread.expanders.firstIndex(of: expander) { return (index, place) }
            }
            return nil
        }
    }

    func take(into readings: inout [SensorReading], at now: Instant) {
        for thread in threads {
            for _ in 0..<Self.takeLimit {
                guard let reading = thread.readings.pop() else { break }
                readings.append(reading)
            }
        }
    }

    func takeNotice() -> String? {
        for thread in threads {
            if let notice = thread.notices.pop() { return notice }
        }
        return nil
    }

    /// The threads ring no bell: the loop looks in at its own pace.
    var deadline: Instant { .distantFuture }

    func setLevels(_ levels: UInt16, expander index: Int) {
        guard let place = places[index] else { return }
        threads[place.thread].setLevels(levels, place: place.place)
    }

    func isConfirmed(expander index: Int, at now: Instant) -> Bool {
        guard let place = places[index] else { return false }
        let seen = threads[place.thread].confirmedAt(place: place.place)
        return now - seen <= settings.expanders[index].staleAfter
    }

    func close() {
        for thread in threads { thread.close(limit: Self.closeLimit) }
    }
}

extension Settings {
    /// Every bus with a sensor or an expander, in the order of their first mention.
    var buses: [String] {
        var buses: [String] = []
        for bus in sensors.map(\.bus) + expanders.map(\.bus) where !buses.contains(bus) {
            buses.append(bus)
        }
        return buses
    }
}
