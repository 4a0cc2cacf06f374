import Configuration
import Quantities
import Synchronization
import World

/// Looks now and then at what surrounds the rig, and writes the file of `[metrics]`, on a thread
/// behind all others: what it waits for (a disk, a full file system) holds up nobody.
final class Lookout: @unchecked Sendable {
    /// Time between two looks at the disk and the board.
    static let period = TimeSpan.seconds(5)
    /// How long the end waits for a look that is under way: a disk may not answer any more.
    private static let endLimit = TimeSpan.seconds(2)
    /// How far it steps behind other threads (nice).
    private static let niceness = 10

    private let look: () -> Surroundings
    private let text: () -> String
    private let settings: MetricsSettings
    private let waker: WakeHandle
    private let isEnding = Atomic<Bool>(false)
    private let isOver = Atomic<Bool>(false)
    private let picture = Mutex<Surroundings?>(nil)
    private let trouble = Mutex<String?>(nil)
    private var thread: Thread?

    /// A lookout that gets what it sees from `look` and what it writes from `text`.
    init(
        settings: MetricsSettings, look: @escaping () -> Surroundings,
        text: @escaping () -> String
    ) throws(WorldError) {
        self.settings = settings
        self.look = look
        self.text = text
        waker = try WakeHandle()
    }

    /// What it saw last.
    var surroundings: Surroundings? { picture.withLock { $0 } }
    /// Why the file is not written; nil when it is.
    var problem: String? { trouble.withLock { $0 } }

    /// Starts the thread; `stop` ends it.
    func start() throws(WorldError) {
        // The thread ends before this object does (see `stop`).
        let me = Unmanaged.passUnretained(self)
        thread = try Thread.start(name: "lookout", schedule: .nice(Self.niceness)) {
            me.takeUnretainedValue().work()
        }
    }

    /// Ends the thread and removes the file: numbers of an agent that has ended are no news.
    func stop() {
        guard thread != nil else { return }
        isEnding.store(true, ordering: .releasing)
        waker.signal()
        let limit = Clocks.now + Self.endLimit
        while !isOver.load(ordering: .acquiring), Clocks.now < limit {
            Clocks.sleep(.milliseconds(2))
        }
        guard isOver.load(ordering: .acquiring) else {
            // It hangs in the kernel, and ends with the process.
            _ = Unmanaged.passRetained(self)
            return
        }
        thread?.join()
        thread = nil
        if !settings.file.isEmpty { try? Files.remove(settings.file) }
    }

    private func work() {
        var poller = Poller(waker: waker)
        let step = settings.file.isEmpty ? Self.period : min(Self.period, settings.period)
        var writeAt = Instant.zero
        while !isEnding.load(ordering: .acquiring) {
            let seen = look()
            picture.withLock { $0 = seen }
            let now = Clocks.now
            if !settings.file.isEmpty, now >= writeAt {
                writeAt = now + settings.period - .milliseconds(1)
                let problem = write()
                trouble.withLock { $0 = problem }
            }
            _ = poller.wait(timeout: step)
        }
        isOver.store(true, ordering: .releasing)
    }

    private func write() -> String? {
        do throws(WorldError) {
            let file = try OutputFile(path: settings.file)
            try file.write(text().utf8)
            try file.finish()
            return nil
        } catch { return "[metrics] file cannot be written: \(error)" }
    }
}
