import Agent
import Configuration
import Glibc
import Quantities
import RunLog
import Synchronization
import World

/// `argent-bench logging`: raw frames at a steady rate from a thread like the rig's, through the
/// ring and the archive's thread of `argent run`, into a log on a real disk.
struct LoggingBench {
    static let help = """
        argent-bench logging --into DIR [--seconds S] [--hertz H] [--pixels N] [--priority P]
                             [--segment-size BYTES] [--stall S] [--out FILE]
        Hands simulated frames (a drifting lamp, shot noise) to the log's thread as a rig does,
        reads the log back, and prints one JSON object: time of a hand-over, how late it was,
        frames waiting at most and frames lost, processor seconds per second on either side,
        bytes given to write(2) and bytes sent to the disk per byte of raw counts, syncs and the
        longest of them, bytes on the disk per pixel. --stall lets every tenth sync take
        that long. --out writes the frames as well, for others to log. DIR must not exist.
        """

    /// Frames made beforehand at most; they come around again after that.
    private static let distinctLimit = 12_000

    private var directory = ""
    private var out = ""
    private var seconds = 60.0
    private var hertz = 100.0
    private var stall = 0.0
    private var priority = 80
    private var pixels = 2_048
    private var segmentSize = 4_000_000

    /// The program for `words`; nil when they are none.
    init?(_ words: ArraySlice<String>) {
        var words = words
        while let word = words.popFirst() {
            guard let text = words.popFirst() else { return nil }
            let value = Double(text) ?? -1
            switch word {
            case "--into": directory = text
            case "--out": out = text
            case "--seconds" where value > 0 && value <= 86_400: seconds = value
            case "--hertz" where value >= 1 && value <= 2_000: hertz = value
            case "--stall" where value >= 0 && value <= 60: stall = value
            case "--priority" where value >= 0 && value < 100: priority = Int(value)
            case "--pixels" where value >= 1 && value <= 16_384: pixels = Int(value)
            case "--segment-size" where value >= 100_000 && value <= 1e9: segmentSize = Int(value)
            default: return nil
            }
        }
        guard !directory.isEmpty, !Files.exists(directory) else { return nil }
    }

    func run() throws {
        let frames = Int((seconds * hertz).rounded(.up))
        let data = SpectralData.simulated(
            frames: min(frames, Self.distinctLimit), pixels: pixels)
        if !out.isEmpty { try SpectralFile.write(data.counts, to: out) }
        try Files.makeDirectories(directory)
        let storage = MeasuredStorage(directory, stall: .seconds(stall))
        var settings = LogSettings()
        settings.segmentSize = segmentSize
        settings.diskReserve = 0
        let trial = try LogTrial(
            storage: storage, directory: directory, settings: settings,
            signer: Ed25519Signer(privateKey: [UInt8](repeating: 7, count: 32)), pixels: pixels)

        let feeder = FrameFeeder(data, ring: trial.frames, hertz: hertz, count: frames)
        let before = ProcessUse.now
        try feeder.run(priority: priority)
        trial.end()
        let use = ProcessUse.now - before
        guard trial.failure == nil else { throw BenchFailure(trial.failure ?? "") }
        let back = try readBack(data)
        print(report(trial, feeder, storage, use, back))
    }

    /// Frames in the log, and whether they are those of `data` in order, as far as none was lost.
    private func readBack(
        _ data: SpectralData
    ) throws -> (frames: Int, equal: Bool, bytes: Int64) {
        var reader = try LogReader(directory: directory)
        let decoder = SpectralDecoder()
        var count = 0
        var equal = true
        while let entry = try reader.next() {
            guard case .record(_, let record) = entry, case .spectraBlock(let block) = record.body
            else { continue }
            let found = try block.decoded(by: decoder)
            for frame in 0..<found.frames {
                let place = (count + frame) % data.frames * pixels
                equal =
                    equal
                    && found.counts[(frame * pixels)..<((frame + 1) * pixels)]
                        .elementsEqual(data.counts[place..<(place + pixels)])
            }
            count += found.frames
        }
        let segments = try LogDirectory.sealedSegments(in: DirectoryStorage(directory)).segments
        return (count, equal, segments.reduce(0) { $0 + $1.size })
    }

    private func report(
        _ trial: LogTrial, _ feeder: FrameFeeder, _ storage: MeasuredStorage, _ use: ProcessUse,
        _ back: (frames: Int, equal: Bool, bytes: Int64)
    ) -> String {
        func ratio(_ value: Double, _ whole: Double) -> String {
            "\((value / max(whole, 1e-9) * 1e5).rounded() / 1e5)"
        }
        let raw = Double(feeder.push.count * pixels * 2)
        let wall = feeder.wall.seconds
        let written = storage.counts
        var text = "{\"bench\":\"logging\",\"seconds\":\(wall),\"hertz\":\(hertz),"
        text += "\"pixels\":\(pixels),\"priority\":\(priority),\"stall_s\":\(stall),"
        text += "\"push\":\(feeder.push.json),\"lateness\":\(feeder.lateness.json),"
        text += "\"ring\":\(trial.frames.capacity),\"high_water\":\(trial.frames.highWater),"
        text += "\"lost\":\(trial.frames.dropped),\"read_back\":\(back.frames),"
        text += "\"equal\":\(back.equal),\"rig_cpu\":\(ratio(feeder.cpuSeconds, wall)),"
        text += "\"log_cpu\":\(ratio(use.cpuSeconds - feeder.cpuSeconds, wall)),"
        text += "\"raw_bytes\":\(Int(raw)),\"written_bytes\":\(written.bytes),"
        text += "\"written_per_raw\":\(ratio(Double(written.bytes), raw)),"
        text += "\"disk_per_raw\":\(ratio(Double(use.diskBytes), raw)),"
        text += "\"syncs\":\(written.syncs),"
        text += "\"longest_sync_ms\":\(written.longest.milliseconds),"
        text += "\"sealed_bytes\":\(back.bytes),"
        text += "\"bytes_per_pixel\":\(ratio(Double(back.bytes) * 2, raw)),"
        text += "\"bound\":\(ratio(feeder.boundBits, 8)),\"refused\":["
        return text + feeder.refused.map { "\"\($0)\"" }.joined(separator: ",") + "]}"
    }
}

/// Hands frames over at a steady rate, on a thread that is scheduled like the rig's.
private final class FrameFeeder: @unchecked Sendable {
    let push = DurationHistogram()
    let lateness = DurationHistogram()
    let boundBits: Double
    /// What the thread runs without.
    private(set) var refused: [String] = []
    private(set) var cpuSeconds = 0.0
    private(set) var wall = TimeSpan.zero
    private let data: SpectralData
    private let ring: FrameRing
    private let period: TimeSpan
    private let count: Int

    init(_ data: SpectralData, ring: FrameRing, hertz: Double, count: Int) {
        self.data = data
        self.ring = ring
        self.count = count
        period = .seconds(1 / hertz)
        boundBits = data.boundBits
    }

    /// Returns when the last frame was handed over.
    func run(priority: Int) throws(WorldError) {
        let me = Unmanaged.passUnretained(self)
        let thread = try Thread.start(name: "rig") {
            me.takeUnretainedValue().work(priority)
        }
        thread.join()
    }

    private func work(_ priority: Int) {
        Thread.useExactTimers()
        if priority > 0, let refusal = Thread.become(.fifo(priority: priority)) {
            refused.append(refusal)
        }
        data.counts.withUnsafeBufferPointer { counts in
            let begun = Clocks.now
            let cpu = ProcessUse.cpuSeconds(CLOCK_THREAD_CPUTIME_ID)
            for number in 0..<count {
                let due = begun + TimeSpan(nanoseconds: period.nanoseconds * Int64(number + 1))
                while due > Clocks.now { Clocks.sleep(due - Clocks.now) }
                let place = number % data.frames * data.pixels
                let frame = UnsafeBufferPointer(
                    rebasing: counts[place..<(place + data.pixels)])
                let before = Clocks.now
                ring.push(
                    frame,
                    FrameFacts(
                        at: before, integration: .milliseconds(8), firstPixel: 0, pixelStep: 1,
                        pixels: data.pixels))
                push.note(Clocks.now - before)
                lateness.note(before - due)
            }
            wall = Clocks.now - begun
            cpuSeconds = ProcessUse.cpuSeconds(CLOCK_THREAD_CPUTIME_ID) - cpu
        }
    }
}

/// What this process has used so far.
private struct ProcessUse {
    var cpuSeconds: Double
    /// Bytes it caused to be sent to a disk (proc(5), `write_bytes`).
    var diskBytes: Int64

    static var now: ProcessUse {
        var disk: Int64 = 0
        if let file = fopen("/proc/self/io", "r") {
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 128)
            while fgets(&line, 128, file) != nil {
                let text = String(
                    decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                guard text.hasPrefix("write_bytes:") else { continue }
                disk = Int64(text.dropFirst(12).filter { $0.isNumber }) ?? 0
            }
        }
        return ProcessUse(cpuSeconds: cpuSeconds(CLOCK_PROCESS_CPUTIME_ID), diskBytes: disk)
    }

    static func cpuSeconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    static func - (a: ProcessUse, b: ProcessUse) -> ProcessUse {
        ProcessUse(
            cpuSeconds: a.cpuSeconds - b.cpuSeconds, diskBytes: a.diskBytes - b.diskBytes)
    }
}
