import Glibc
import RunLog

/// Refuses every call a workload makes of the disk, one after the other.
public struct FaultTrial: Sendable {
    /// What refused calls say.
    public var codes: [Int32] = [ENOSPC, EIO, EROFS]
    /// How many calls in a row are refused; far above the workload's: until it gives way.
    public var runs = [1, 3, 40]
    /// Only every so many-th call (1: all of them).
    public var stride = 1
    private let workload: LogWorkload

    /// A trial of `workload`, which should be a short one.
    public init(_ workload: LogWorkload) { self.workload = workload }

    /// How much was tried.
    public struct Counts: Sendable {
        /// Calls the workload makes of a disk that refuses nothing.
        public var calls = 0
        /// Runs of the workload with a refusal.
        public var runs = 0
        /// Refusals the log had to get over.
        public var refusals = 0
        /// Outcomes looked at.
        public var outcomes = 0
    }

    /// Tries it all.
    ///
    /// - Throws: `TrialFailure` with the call and what was wrong then.
    public func run(progress: (Counts) -> Void = { _ in }) throws -> Counts {
        var counts = Counts()
        let calm = SimulatedDisk()
        _ = try write(on: calm)
        counts.calls = calm.calls
        for first in Swift.stride(from: 1, through: counts.calls, by: stride) {
            for (place, code) in codes.enumerated() {
                for count in runs {
                    var faults = DiskFaults()
                    faults.first = first
                    faults.count = count
                    faults.code = code
                    // Nothing, a piece of a head, most of a write.
                    faults.tornBytes = [0, 5, 100][(first + place) % 3]
                    faults.losesPages = (first + place) % 2 == 0
                    do { try one(faults, &counts) } catch {
                        throw TrialFailure(
                            "\(count) calls refused from call \(first) on (errno \(code), "
                                + "\(faults.tornBytes) bytes torn): \(error)")
                    }
                }
            }
            progress(counts)
        }
        return counts
    }

    private func one(_ faults: DiskFaults, _ counts: inout Counts) throws {
        let disk = SimulatedDisk()
        disk.faults = faults
        let outcome = try write(on: disk)
        counts.runs += 1
        counts.refusals += outcome.refusals
        disk.faults = DiskFaults()
        let check = LogCheck(workload: workload)
        for files in [disk.files, disk.model.syncedOnly] {
            try check.check(files, acknowledged: outcome.acknowledged, goesOn: true)
            counts.outcomes += 1
        }
    }

    /// Two processes, one after the other.
    private func write(on disk: SimulatedDisk) throws -> LogWorkload.Outcome {
        let half = workload.records.count / 2
        let first = try workload.write(to: half, on: disk, ends: false)
        var second = try workload.write(from: half, on: disk)
        second.refusals += first.refusals
        return second
    }
}
