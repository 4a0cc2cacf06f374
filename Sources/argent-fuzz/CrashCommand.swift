import Glibc
import LogTrials
import RunLog

/// `argent-fuzz crash`: the power is cut at every moment of a recorded workload, every bit of a
/// log is flipped, every call of the disk is refused.
enum CrashCommand {
    static let help = """
        argent-fuzz crash [--records N] [--seed N] [--stride N] [--only cuts|flips|faults]
        Writes a log of N records (2700) to a simulated disk and cuts the power at every moment:
        at every boundary of a write, inside writes, with all that was written, with only what
        was synced, and with some of the rest by chance. Every record that was acknowledged must
        be there after each cut. Then flips every bit of a small log, and refuses every call a
        small workload makes of the disk (ENOSPC, EIO, EROFS; once, thrice, for long).
        """

    static func run(_ words: ArraySlice<String>) throws {
        var words = words
        var records = 2_700
        var seed: UInt64 = 1
        var stride = 1
        var only = ""
        while let word = words.popFirst() {
            let value = words.popFirst() ?? ""
            switch word {
            case "--records": records = Int(value) ?? 0
            case "--seed": seed = UInt64(value) ?? seed
            case "--stride": stride = Int(value) ?? 0
            case "--only": only = value
            default: throw TrialFailure("use:\n" + help)
            }
        }
        guard records > 0, stride > 0 else { throw TrialFailure("use:\n" + help) }
        var stopwatch = Stopwatch()
        if only.isEmpty || only == "cuts" { try cuts(records, seed, stride, &stopwatch) }
        if only.isEmpty || only == "flips" { try flips(seed, stride, &stopwatch) }
        if only.isEmpty || only == "faults" { try faults(seed, stride, &stopwatch) }
    }

    private static func cuts(
        _ records: Int, _ seed: UInt64, _ stride: Int, _ stopwatch: inout Stopwatch
    ) throws {
        var trial = CrashTrial(
            LogWorkload(count: records, segmentSize: 16_000, seed: seed), seed: seed)
        trial.stride = stride
        let counts = try trial.run { counts in
            stopwatch.say("cuts: \(counts.cuts) moments, \(counts.outcomes) outcomes")
        }
        print(
            "cuts: \(counts.records) records in \(counts.segments) segments, \(counts.writes) "
                + "writes and \(counts.otherCalls) other calls; cut at \(counts.cuts) moments; "
                + "\(counts.outcomes) outcomes (\(counts.syncedOnly) with only what was synced, "
                + "\(counts.byChance) with some of the rest by chance), \(counts.wentOn) of them "
                + "written on, sealed and verified; \(stopwatch.lap()) s: every acknowledged "
                + "record is there, opening twice gives the same bytes")
    }

    private static func flips(
        _ seed: UInt64, _ stride: Int, _ stopwatch: inout Stopwatch
    ) throws {
        var trial = FlipTrial(LogWorkload(count: 120, segmentSize: 4_000, seed: seed))
        trial.stride = stride
        let counts = try trial.run { counts in
            stopwatch.say("flips: \(counts.activeBits) active, \(counts.sealedBits) sealed")
        }
        print(
            "flips: \(counts.sealedBits) bits of sealed segments, each noticed by verifying "
                + "(\(counts.noticedByReading) by reading alone; worst loss "
                + "\(counts.worstLoss) records); \(counts.activeBits) bits of an active segment, "
                + "each noticed by reading; \(stopwatch.lap()) s")
    }

    private static func faults(
        _ seed: UInt64, _ stride: Int, _ stopwatch: inout Stopwatch
    ) throws {
        var trial = FaultTrial(LogWorkload(count: 120, segmentSize: 3_000, seed: seed))
        trial.stride = stride
        let counts = try trial.run { counts in
            stopwatch.say("faults: \(counts.runs) runs, \(counts.refusals) refusals")
        }
        print(
            "faults: each of \(counts.calls) calls refused in \(counts.runs) runs, "
                + "\(counts.refusals) refusals got over, \(counts.outcomes) outcomes looked at; "
                + "\(stopwatch.lap()) s: every acknowledged record is there")
    }
}

/// Time since the last lap, and a line of progress every ten seconds.
private struct Stopwatch {
    private var began = Self.now
    private var said = Self.now

    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    mutating func say(_ text: @autoclosure () -> String) {
        guard Self.now - said > 10 else { return }
        said = Self.now
        print(text())
        fflush(nil)
    }

    mutating func lap() -> Int {
        defer { began = Self.now }
        return Int((Self.now - began).rounded())
    }
}
