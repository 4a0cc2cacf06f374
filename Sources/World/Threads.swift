import CSystem
import Glibc
import Synchronization

/// A thread of the kernel (pthreads).
public final class Thread: @unchecked Sendable {
    /// How a thread is scheduled.
    public enum Schedule: Equatable, Sendable {
        /// Like any process.
        case normal
        /// Behind others, by this nice increment (1…19).
        case nice(Int)
        /// Before everything of lower priority (SCHED_FIFO, 1…99).
        case fifo(priority: Int)
    }

    /// Stack of a thread, in bytes.
    public static let stackBytes = 1 << 20

    private final class Start {
        let name: String
        let schedule: Schedule
        let body: () -> Void
        unowned let thread: Thread
        init(_ name: String, _ schedule: Schedule, _ thread: Thread, _ body: @escaping () -> Void) {
            self.name = name
            self.schedule = schedule
            self.thread = thread
            self.body = body
        }
    }

    private var handle = pthread_t()
    private let scheduleFailure = Atomic<Int32>(-1)
    private let asked: Schedule

    private init(_ asked: Schedule) { self.asked = asked }

    /// Runs `body` on a new thread and returns once it runs. When the schedule asked for is not
    /// permitted the thread runs anyway and `degradation` says why. Call `join` on it.
    public static func start(
        name: String, schedule: Schedule = .normal, body: sending @escaping () -> Void
    ) throws(WorldError) -> Thread {
        let thread = Thread(schedule)
        let start = Unmanaged.passRetained(Start(name, schedule, thread, body))
        let result = csystem_thread_start(
            &thread.handle, stackBytes, { Thread.run($0) }, start.toOpaque())
        guard result >= 0 else {
            start.release()
            throw .of(result, "start thread", name)
        }
        while thread.scheduleFailure.load(ordering: .acquiring) < 0 { sched_yield() }
        return thread
    }

    /// Gives the calling thread another schedule. Returns nil, or why it keeps what it has.
    public static func become(_ schedule: Schedule) -> String? {
        refusal(of: schedule, code: max(0, -apply(schedule)))
    }

    private static func apply(_ schedule: Schedule) -> Int32 {
        switch schedule {
        case .normal: 0
        case .nice(let increment): csystem_thread_nice(Int32(clamping: increment))
        case .fifo(let priority): csystem_thread_fifo(Int32(clamping: priority))
        }
    }

    /// Why the thread does not run as asked; nil when it does.
    public var degradation: String? {
        Self.refusal(of: asked, code: scheduleFailure.load(ordering: .acquiring))
    }

    private static func refusal(of asked: Schedule, code: Int32) -> String? {
        guard code > 0 else { return nil }
        let reason = strerror(code).map { String(cString: $0) } ?? "errno \(code)"
        let wanted =
            switch asked {
            case .fifo(let priority): "SCHED_FIFO \(priority)"
            case .nice(let increment): "nice \(increment)"
            case .normal: "the normal schedule"
            }
        return "\(wanted) refused (\(reason)): running with the normal schedule; give the "
            + "service LimitRTPRIO=99 or AmbientCapabilities=CAP_SYS_NICE"
    }

    /// Keeps the calling thread on processor `cpu`. Returns nil, or why not.
    public static func pin(to cpu: Int) -> String? {
        let result = csystem_thread_pin(Int32(clamping: cpu))
        guard result < 0 else { return nil }
        let reason = strerror(-result).map { String(cString: $0) } ?? "errno \(-result)"
        return "not kept on processor \(cpu) (\(reason)): choose one of those in "
            + "/sys/devices/system/cpu/online"
    }

    /// Leaves processor `cpu` (negative: none) to others, where the calling thread may use another.
    public static func avoid(_ cpu: Int) {
        if cpu >= 0 { _ = csystem_thread_avoid(Int32(clamping: cpu)) }
    }

    /// The calling thread's timers end when they should, not up to 50 µs later: what threads
    /// without a real-time schedule are given to save power (PR_SET_TIMERSLACK).
    public static func useExactTimers() { _ = csystem_thread_exact_timers() }

    /// The calling thread's stack is there for 256 KiB downwards.
    public static func touchStack() { csystem_touch_stack() }

    /// Page faults of the calling thread so far; those that waited for a disk apart.
    public static var pageFaults: (minor: Int, major: Int) {
        var minor: Int64 = 0
        var major: Int64 = 0
        guard csystem_thread_faults(&minor, &major) == 0 else { return (0, 0) }
        return (Int(minor), Int(major))
    }

    /// Waits until the body has returned. Call once.
    public func join() { _ = csystem_thread_join(handle) }

    private static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let context else { return nil }
        let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
        _ = csystem_thread_name(start.name)
        start.thread.scheduleFailure.store(
            max(0, -apply(start.schedule)), ordering: .releasing)
        start.body()
        return nil
    }
}

/// What processors do while nobody needs them.
public enum Idling {
    /// Keeps every processor out of sleep states that take long to leave, until the process ends
    /// (/dev/cpu_dma_latency). Returns nil, or why not; nil too where there is no such thing.
    public static func stayAwake() -> String? {
        let result = csystem_stay_awake()
        guard result < 0, result != -ENOENT else { return nil }
        let reason = strerror(-result).map { String(cString: $0) } ?? "errno \(-result)"
        return "processors may sleep deeply (\(reason)): give the service's group "
            + "/dev/cpu_dma_latency (board/60-argent.rules)"
    }
}

/// The memory of this process.
public enum Memory {
    /// Bytes of a page.
    public static var pageBytes: Int { sysconf(Int32(_SC_PAGESIZE)) }

    /// Keeps every page, now and later, in memory (mlockall(2)). Returns nil, or why not.
    public static func lock() -> String? {
        let result = csystem_lock_memory()
        guard result < 0 else { return nil }
        let reason = strerror(-result).map { String(cString: $0) } ?? "errno \(-result)"
        return "memory not locked (\(reason)): give the service LimitMEMLOCK=infinity"
    }

    /// Blocks of a quarter of a megabyte and more lie outside the heap from here on. A campaign's
    /// matrices grow with it: in the heap, every one leaves a hole that the next does not fit.
    public static func returnLargeBlocks() { _ = csystem_return_blocks(256 << 10) }

    /// The heap keeps what it has from here on, and `bytes` more are touched beforehand: freed
    /// memory does not go back to the kernel, whose other threads would have to be interrupted
    /// for that. Returns nil, or why not.
    public static func keepHeap(touching bytes: Int) -> String? {
        let result = csystem_keep_heap(max(0, bytes))
        guard result < 0 else { return nil }
        let reason = strerror(-result).map { String(cString: $0) } ?? "errno \(-result)"
        return "the heap is not kept (\(reason)): more memory is needed"
    }
}

/// SIGTERM, SIGINT and SIGHUP, remembered; SIGPIPE is ignored.
public enum StopSignal {
    /// Installs the handlers; a signal also rings `wakers` (at most 4), which must live on.
    public static func install(waking wakers: [WakeHandle]) throws(WorldError) {
        let descriptors = wakers.map(\.descriptor)
        let result = csystem_stop_install(descriptors, descriptors.count)
        guard result >= 0 else { throw .of(result, "install handlers", "signals") }
    }

    /// The last of them that came; nil for none.
    public static var received: Int32? {
        let number = csystem_stop_signal()
        return number == 0 ? nil : number
    }

    /// Forgets what came.
    public static func clear() { csystem_stop_clear() }
}

/// SIGHUP as a request to read the configuration again, instead of a reason to stop.
public enum ReloadSignal {
    /// From here on SIGHUP is counted and rings those whom `StopSignal.install` was given.
    public static func install() throws(WorldError) {
        let result = csystem_reload_install()
        guard result >= 0 else { throw .of(result, "install handlers", "signals") }
    }

    /// Another value than before: another came.
    public static var count: Int32 { csystem_reload_count() }
}
