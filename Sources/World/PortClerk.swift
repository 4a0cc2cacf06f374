import CSerial
import Glibc
import Quantities
import Synchronization

/// Does on a thread of its own what may take its time in the kernel: opening a serial line,
/// changing its speed after everything written has left, closing it (a USB adapter may wait half
/// a minute for bytes nobody takes). The rig thread only looks whether it is done.
final class PortClerk: @unchecked Sendable {
    /// One errand. Whoever gave it looks at the result once `isDone`, and not before.
    final class Errand: @unchecked Sendable {
        enum Work {
            case open(SerialSettings), setBaud(OpaquePointer, Int)
            case close(OpaquePointer, LineEar?)
        }
        fileprivate let work: Work
        fileprivate let done = Atomic<Bool>(false)
        /// The line that was opened.
        fileprivate(set) var port: OpaquePointer?
        /// Who listens to it.
        fileprivate(set) var ear: LineEar?
        /// Why it was not.
        fileprivate(set) var failure: WorldError?
        /// What a speed that could not be changed says: a negative errno.
        fileprivate(set) var code: Int32 = 0

        fileprivate init(_ work: Work) { self.work = work }

        var isDone: Bool { done.load(ordering: .acquiring) }
    }

    /// Errands that wait at most: a rig has a dozen lines.
    private static let capacity = 64
    /// Time a clerk in the middle of an errand gets at the end.
    private static let endLimit = TimeSpan.seconds(1)

    private let errands = BoundedQueue<Errand>(capacity: capacity)
    private let bell: WakeHandle
    private let customer: WakeHandle
    private let earPlace: LineEar.Place
    private let isEnding = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private var thread: Thread?

    /// A clerk that rings `customer` after every errand, and whose lines are listened to at
    /// `earPlace` by threads that ring it too.
    init(customer: WakeHandle, earPlace: LineEar.Place) throws(WorldError) {
        self.customer = customer
        self.earPlace = earPlace
        bell = try WakeHandle()
        // The thread holds the clerk until it ends, as it may be stuck in the kernel.
        let me = Unmanaged.passRetained(self)
        do throws(WorldError) {
            thread = try Thread.start(name: "ports") {
                me.takeUnretainedValue().run()
                me.release()
            }
        } catch {
            me.release()
            throw error
        }
    }

    /// Hands over an errand; nil when there are too many.
    func give(_ work: Errand.Work) -> Errand? {
        let errand = Errand(work)
        guard errands.push(errand) else { return nil }
        bell.signal()
        return errand
    }

    /// Ends the thread, after what was given to it; one that is stuck is left alone.
    func end() {
        isEnding.store(true, ordering: .releasing)
        bell.signal()
        let limit = Clocks.now + Self.endLimit
        while !hasEnded.load(ordering: .acquiring), Clocks.now < limit {
            Clocks.sleep(.milliseconds(1))
        }
        if hasEnded.load(ordering: .acquiring) { thread?.join() }
        thread = nil
    }

    private func run() {
        var poller = Poller(waker: bell)
        while true {
            let ends = isEnding.load(ordering: .acquiring)
            while let errand = errands.pop() {
                perform(errand)
                errand.done.store(true, ordering: .releasing)
                customer.signal()
            }
            if ends { break }
            _ = poller.wait(timeout: nil)
        }
        hasEnded.store(true, ordering: .releasing)
    }

    private func perform(_ errand: Errand) {
        switch errand.work {
        case .open(let settings):
            do throws(WorldError) { try open(settings, for: errand) } catch {
                errand.failure = error
            }
        case .setBaud(let port, let baud):
            errand.code = cserial_set_baud(port, Int32(clamping: baud))
        case .close(let port, let ear):
            ear?.end()
            cserial_close(port)
        }
    }

    private func open(_ settings: SerialSettings, for errand: Errand) throws(WorldError) {
        let port = try RealSerialPort.open(settings)
        do throws(WorldError) {
            errand.ear = try LineEar(port: port, customer: customer, place: earPlace)
            errand.port = port
        } catch {
            cserial_close(port)
            throw error
        }
    }
}
