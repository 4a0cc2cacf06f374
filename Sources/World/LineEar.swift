import CSerial
import CSystem
import Glibc
import Synchronization

/// Listens to one serial line in the stead of the thread that owns it. Reading a terminal, and
/// even polling it, waits in the kernel until an ordinary worker thread has carried the bytes up
/// from the driver (n_tty_poll and n_tty_read flush the terminal's buffer): under load that is
/// milliseconds, whatever the priority of the one who asks. So this thread asks. It puts what came
/// into a ring and rings the owner's bell, and one line that hangs in its driver makes no other
/// deaf. It runs below its owner and not on the owner's processor: a kernel that does not preempt
/// itself would let the owner wait for what this thread does in it.
final class LineEar: @unchecked Sendable {
    /// Bytes kept for an owner who does not take them: more than half a second at 921,600 baud.
    static let room = 1 << 16

    /// Where such threads run.
    struct Place {
        /// SCHED_FIFO; 0: like any thread.
        let priority: Int
        /// The processor they leave to their owner; -1: none.
        let ownerCPU: Int

        /// Just below an owner of `ownerPriority` on `ownerCPU`.
        init(ownerPriority: Int = 0, ownerCPU: Int = -1) {
            priority = min(ownerPriority, max(1, ownerPriority - 1))
            self.ownerCPU = ownerCPU
        }
    }

    private let port: OpaquePointer
    private let customer: WakeHandle
    private let bell: WakeHandle
    private let cpu: Int
    private let ring: ByteRing
    private let isEnding = Atomic<Bool>(false)
    private let hungUp = Atomic<Bool>(false)
    private let lost = Atomic<Int>(0)
    /// Set before anybody else sees this object.
    private(set) var degradation: String?
    private var thread: Thread?

    /// Listens to `port`, which stays open until `end` has returned, and rings `customer` for
    /// what comes. With `room` bytes in between.
    init(
        port: OpaquePointer, customer: WakeHandle, place: Place, room: Int = LineEar.room
    ) throws(WorldError) {
        self.port = port
        self.customer = customer
        cpu = place.ownerCPU
        ring = ByteRing(capacity: room)
        bell = try WakeHandle()
        // The thread holds the ear until it ends, as it may be stuck in the kernel.
        let me = Unmanaged.passRetained(self)
        do throws(WorldError) {
            let started = try Thread.start(
                name: "line",
                schedule: place.priority > 0 ? .fifo(priority: place.priority) : .normal
            ) {
                me.takeUnretainedValue().run()
                me.release()
            }
            thread = started
            degradation = started.degradation
        } catch {
            me.release()
            throw error
        }
    }

    /// Whether the owner has anything to look at.
    var hasNews: Bool { !ring.isEmpty || hasHungUp }

    /// Whether the line went away. What came before may still be in the ring.
    var hasHungUp: Bool { hungUp.load(ordering: .acquiring) }

    /// Appends what came, at most `limit` bytes; returns how many. Owner only.
    func take(into buffer: inout [UInt8], limit: Int) -> Int {
        ring.take(into: &buffer, limit: limit)
    }

    /// Forgets what came. Owner only.
    func discard() { ring.removeAll() }

    /// Bytes that found no room since the last call.
    func takeLost() -> Int {
        lost.load(ordering: .relaxed) == 0 ? 0 : lost.exchange(0, ordering: .relaxed)
    }

    /// Ends the thread; may wait for the kernel. Once, before the line is closed.
    func end() {
        isEnding.store(true, ordering: .releasing)
        bell.signal()
        thread?.join()
        thread = nil
    }

    private func run() {
        Thread.avoid(cpu)
        let entries = UnsafeMutablePointer<csystem_poll>.allocate(capacity: 2)
        defer { entries.deallocate() }
        entries[0] = csystem_poll(fd: bell.descriptor, events: csystem_pollin, revents: 0)
        entries[1] = csystem_poll(
            fd: cserial_descriptor(port), events: csystem_pollin, revents: 0)
        let broken = csystem_pollhup | csystem_pollerr | csystem_pollnval
        var listened = 2
        while !isEnding.load(ordering: .acquiring) {
            let ready = csystem_poll(entries, listened, -1)
            guard ready > 0 || ready == -EINTR else { return giveUp() }
            guard ready > 0, !isEnding.load(ordering: .acquiring), listened == 2,
                entries[1].revents != 0
            else { continue }
            if takeAll(isBroken: entries[1].revents & broken != 0) {
                customer.signal()
            } else {
                // It stays readable for ever: only the end is waited for from here on.
                listened = 1
                giveUp()
            }
        }
    }

    private func giveUp() {
        hungUp.store(true, ordering: .releasing)
        customer.signal()
    }

    /// Takes what there is; false when the line is gone.
    private func takeAll(isBroken: Bool) -> Bool {
        while true {
            let (put, room) = ring.fill { cserial_read(port, $0, $1) } ?? takeInVain()
            if put == -Int(EAGAIN) { return !isBroken }
            guard put > 0 else { return false }
            // A short read emptied the line; after a hang-up its end is looked for.
            if put < room, !isBroken { return true }
        }
    }

    /// Nobody takes the bytes: they are read all the same, so that they are counted and the line's
    /// end is seen.
    private func takeInVain() -> (put: Int, room: Int) {
        let room = 1_024
        let put = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: room) {
            cserial_read(port, $0.baseAddress, room)
        }
        if put > 0 { lost.add(put, ordering: .relaxed) }
        return (put, room)
    }
}
