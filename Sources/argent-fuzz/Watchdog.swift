import Glibc

/// Notices what a fuzzer cannot notice itself: an input that never ends, and one that kills the
/// process. Either way the last words name the input, and the exit code is not 0.
///
/// The timer of the process ticks; an input that is the same for too many ticks hangs. So one
/// input costs no system call.
enum Watchdog {
    /// Seconds between ticks.
    static let tickSeconds = 1

    /// What the signal handlers read: they may touch nothing that allocates or locks.
    private struct State {
        /// Counts inputs since the start, whatever the fuzzer; changes show progress.
        var progress = 0
        /// `progress` at the last tick, and for how many ticks it has been the same.
        var seen = -1
        var ticks = 0
        var limitTicks = 0
        var isWatching = false
        /// The words to say, ready to be written, and how many bytes they have.
        var words: UnsafeMutablePointer<UInt8>?
        var wordCount = 0
        /// Where the index is kept in decimal, most significant digit first.
        var index = 0
    }

    /// Set up before the handlers are, never freed.
    private nonisolated(unsafe) static let state: UnsafeMutablePointer<State> = {
        let pointer = UnsafeMutablePointer<State>.allocate(capacity: 1)
        pointer.initialize(to: State())
        return pointer
    }()

    /// Begins to watch: an input may take `limitSeconds`. A second call changes the limit.
    static func start(limitSeconds: Int) {
        state.pointee.limitTicks = max(1, limitSeconds / tickSeconds)
        state.pointee.isWatching = true
        // Its own stack, or an input that exhausts the stack leaves no last words.
        var stack = stack_t()
        stack.ss_size = 1 << 16
        stack.ss_sp = UnsafeMutableRawPointer.allocate(byteCount: stack.ss_size, alignment: 16)
        _ = sigaltstack(&stack, nil)
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
            handle(number) { number in Watchdog.lastWords(" killed the process\n", number) }
        }
        handle(SIGALRM) { _ in Watchdog.tick() }
        var period = itimerval()
        period.it_interval.tv_sec = tickSeconds
        period.it_value.tv_sec = tickSeconds
        _ = setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &period, nil)
    }

    private static func handle(_ number: Int32, _ body: @escaping @convention(c) (Int32) -> Void) {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = body
        action.sa_flags = SA_ONSTACK | SA_RESTART
        _ = sigaction(number, &action, nil)
    }

    /// Names the fuzzer whose inputs follow.
    static func enter(_ name: String, seed: UInt64) {
        let words = Array("argent-fuzz: \(name) --seed \(seed) --at ".utf8)
        let kept = UnsafeMutablePointer<UInt8>.allocate(capacity: words.count)
        kept.initialize(from: words, count: words.count)
        state.pointee.words?.deallocate()
        state.pointee.words = kept
        state.pointee.wordCount = words.count
    }

    /// Says which input comes now.
    @inline(__always)
    static func input(_ index: Int) {
        state.pointee.index = index
        state.pointee.progress &+= 1
    }

    private static func tick() {
        guard state.pointee.isWatching else { return }
        if state.pointee.seen != state.pointee.progress {
            state.pointee.seen = state.pointee.progress
            state.pointee.ticks = 0
            return
        }
        state.pointee.ticks += 1
        if state.pointee.ticks >= state.pointee.limitTicks { lastWords(" hangs\n", SIGALRM) }
    }

    /// Writes which input it was and ends the process.
    private static func lastWords(_ what: StaticString, _ number: Int32) {
        if let words = state.pointee.words {
            _ = write(STDERR_FILENO, words, state.pointee.wordCount)
        }
        var rest = state.pointee.index
        var power = 1
        while rest / power >= 10 { power *= 10 }
        while power > 0 {
            var digit = UInt8(48 + rest / power)
            _ = write(STDERR_FILENO, &digit, 1)
            rest %= power
            power /= 10
        }
        _ = write(STDERR_FILENO, what.utf8Start, what.utf8CodeUnitCount)
        _exit(128 + number)
    }
}

/// The resident memory of this process.
enum ResidentMemory {
    /// Its peak, bytes (getrusage(2)).
    static var peak: Int {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        return usage.ru_maxrss * 1_024
    }

    /// Lets the peak begin anew where the kernel allows it (proc(5), clear_refs), so that one
    /// fuzzer does not hide what the next one takes.
    static func resetPeak() {
        guard let file = fopen("/proc/self/clear_refs", "w") else { return }
        fputs("5", file)
        fclose(file)
    }
}
