import LogTrials
import Numerics
import Quantities
import RunLog
import World

/// What the archive thread does for the run log: taking records, a step of sealing, and reading a
/// log back at a start. The disk is one in memory: what a real one takes comes on top.
var logBenchmarks: [Benchmark] {
    let appending = Benchmark(name: "log/append/droplet", work: 1, unit: "records") {
        let disk = SimulatedDisk()
        let log = try SegmentedLog(disk, options: LogBench.options(size: .max))
        let record = LogBench.records[0]
        var waiting = 0
        return {
            _ = try? log.append([record])
            waiting += 1
            if waiting % 256 == 0 { _ = try? log.sync() }
        }
    }
    let sealing = [3, 6, 9, 12].map { (level: Int32) in
        Benchmark(
            name: "log/seal-step/\(level)", work: Double(SegmentFormat.frameTarget), unit: "bytes"
        ) {
            let whole = try LogBench.unsealed()
            var options = LogBench.options(size: .max)
            options.level = level
            var log = try SegmentedLog(SimulatedDisk(whole), options: options)
            var steps = 0
            return {
                log.maintain(at: .zero)
                steps += 1
                // Eleven frames and three steps for the end of it, which are short.
                guard !log.hasUnsealed else { return }
                if let begun = try? SegmentedLog(SimulatedDisk(whole), options: options) {
                    log = begun
                }
            }
        }
    }
    let opening = Benchmark(name: "log/open/sealed", work: 2_000, unit: "records") {
        let disk = SimulatedDisk(try LogBench.unsealed())
        try SegmentedLog(disk, options: LogBench.options(size: .max)).sealAll()
        return { _ = try? SegmentedLog(disk, options: LogBench.options(size: .max)) }
    }
    return [appending] + sealing + [opening]
}

private enum LogBench {
    static func options(size: Int64) -> SegmentOptions {
        var options = SegmentOptions(newIdentifier: LogIdentifier(derivedFrom: "bench".utf8))
        options.size = size
        return options
    }

    /// Droplets of one condition: a band with the scatter and the noise a detector has.
    static let records: [Record] = {
        var random = SeededGenerator(seed: 1)
        return (0..<64).map { number in
            let amplitude = 1 + 0.05 * random.normal()
            let absorbance = (0..<421).map { (point: Int) -> Float in
                let place = (Double(point) - 180) / 60
                return Float(amplitude / (1 + place * place) + 0.002 * random.normal())
            }
            return Record(
                at: Instant(nanoseconds: Int64(number) * 50_000_000),
                wall: WallTime(unixNanoseconds: 1_700_000_000_000_000_000),
                body: .droplet(
                    DropletRecord(
                        condition: 1, attempt: 1, index: number, enteredAt: .zero, leftAt: .zero,
                        plateau: 9, loss: 0.25, maximumAbsorbance: amplitude,
                        absorbance: absorbance)))
        }
    }()

    /// The files of a log with 2,000 of them in an active segment.
    static func unsealed() throws -> [String: [UInt8]] {
        let disk = SimulatedDisk()
        let log = try SegmentedLog(disk, options: options(size: .max))
        for number in 0..<2_000 { try log.append([records[number % records.count]]) }
        try log.sync()
        log.close()
        return disk.files
    }
}
