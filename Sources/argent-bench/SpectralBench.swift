import Glibc
import RunLog

/// The codec of spectra, both ways, on a block of simulated frames. Bytes are those of the counts
/// before coding.
var spectralBenchmarks: [Benchmark] {
    [false, true].map { decodes in
        let frames = SpectralHeader.frameLimit
        return Benchmark(
            name: "spectra/\(decodes ? "decode" : "encode")/\(frames)x2048",
            work: Double(frames * 2_048 * 2), unit: "bytes"
        ) {
            let data = SpectralData.simulated(frames: frames)
            return decodes ? try decoding(data) : try encoding(data)
        }
    }
}

private func encoding(_ data: SpectralData) throws -> () -> Void {
    let encoder = try SpectralEncoder(pixels: data.pixels)
    return {
        data.counts.withUnsafeBufferPointer { counts in
            for frame in 0..<data.frames {
                let place = frame * data.pixels
                try? encoder.append(
                    UnsafeBufferPointer(rebasing: counts[place..<(place + data.pixels)]))
            }
        }
        try? encoder.takeBlock { keep($0.count) }
    }
}

private func decoding(_ data: SpectralData) throws -> () -> Void {
    let block = try SpectralFile.blocks(data)[0]
    let decoder = SpectralDecoder()
    var counts = [UInt16](repeating: 0, count: data.counts.count)
    return {
        counts.withUnsafeMutableBufferPointer { counts in
            block.withUnsafeBufferPointer { block in
                _ = try? decoder.decode(block, into: counts)
            }
        }
        keep(counts)
    }
}

/// `argent-bench spectra`: what the codec makes of whole sequences of frames, and the frames in
/// a file for others to try.
struct SpectralFile {
    var table: String?
    var out = ""
    var blocksOut = ""
    var frames = 1_024
    var pixels = 2_048
    var each = 6
    var repeats = 9

    static let help = """
        argent-bench spectra [--droplets FILE] [--each N] [--frames N] [--pixels N]
                             [--out FILE] [--blocks FILE]
        Codes frames of simulated lamp light, or of the lamp through the measured droplets of a
        table, in blocks; checks that they come back; prints one JSON object: bytes per pixel
        by frames in a block, the entropy bound, and MB of raw counts per second of processor
        time both ways, median and best. --out writes the frames, little-endian, --blocks the
        blocks of 64. --pixels 0 takes those of the table.
        """

    init?(_ words: ArraySlice<String>) {
        var words = words
        while let word = words.popFirst() {
            guard let value = words.popFirst() else { return nil }
            switch word {
            case "--droplets": table = value
            case "--out": out = value
            case "--blocks": blocksOut = value
            case "--frames": frames = Int(value) ?? 0
            case "--pixels": pixels = Int(value) ?? -1
            case "--each": each = Int(value) ?? 0
            default: return nil
            }
        }
        guard (1...65_536).contains(frames), (0...SpectralHeader.pixelLimit).contains(pixels),
            (1...1_000).contains(each), pixels > 0 || table != nil
        else { return nil }
    }

    /// The blocks of all frames.
    static func blocks(
        _ data: SpectralData, frames: Int = SpectralHeader.frameLimit
    ) throws -> [[UInt8]] {
        let encoder = try SpectralEncoder(pixels: data.pixels, frames: frames)
        var blocks: [[UInt8]] = []
        for frame in 0..<data.frames {
            let place = frame * data.pixels
            try encoder.append(Array(data.counts[place..<(place + data.pixels)]))
            if encoder.isFull { blocks.append(try encoder.takeBlock()) }
        }
        if encoder.count > 0 { blocks.append(try encoder.takeBlock()) }
        return blocks
    }

    func run() throws {
        let data =
            try table.map {
                try SpectralData.droplets($0, each: each, frames: frames, pixels: pixels)
            } ?? SpectralData.simulated(frames: frames, pixels: pixels)
        if !out.isEmpty { try write(data.counts, to: out) }
        let raw = Double(data.counts.count)
        var sizes: [String] = []
        for frames in [64, 32, 16, 1] {
            let size = try Self.blocks(data, frames: frames).reduce(0) { $0 + $1.count }
            sizes.append("\"\(frames)\":\(digits(Double(size) / raw))")
        }
        let blocks = try Self.blocks(data)
        if !blocksOut.isEmpty { try write(blocks.flatMap { $0 }, to: blocksOut) }
        let decoder = SpectralDecoder()
        guard try blocks.flatMap({ try decoder.decode($0).counts }) == data.counts else {
            throw SpectralError.damaged("coder: counts did not come back")
        }
        let encode = try rates { _ = try Self.blocks(data) }
        var memory = [UInt16](repeating: 0, count: 64 * data.pixels)
        let decode = try rates {
            for block in blocks {
                try memory.withUnsafeMutableBufferPointer { memory in
                    try block.withUnsafeBufferPointer {
                        _ = try decoder.decode($0, into: memory)
                    }
                }
            }
        }
        let megabytes = raw * 2e-6
        print(
            "{\"frames\":\(data.frames),\"pixels\":\(data.pixels),"
                + "\"bound\":\(digits(data.boundBits / 8)),"
                + "\"bytes_per_pixel\":{\(sizes.joined(separator: ","))},"
                + "\"encode\":{\"median\":\(digits(megabytes / encode.median)),"
                + "\"best\":\(digits(megabytes / encode.best))},"
                + "\"decode\":{\"median\":\(digits(megabytes / decode.median)),"
                + "\"best\":\(digits(megabytes / decode.best))}}")
    }

    /// Seconds of `repeats` runs.
    private func rates(_ body: () throws -> Void) throws -> (median: Double, best: Double) {
        var all: [Double] = []
        for _ in 0..<repeats {
            var (start, end) = (timespec(), timespec())
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start)
            try body()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end)
            all.append(
                Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) * 1e-9)
        }
        all.sort()
        return (all[repeats / 2], all[0])
    }

    private func write<Value: BitwiseCopyable>(_ values: [Value], to path: String) throws {
        guard let file = fopen(path, "w") else { throw SpectralFileError(path: path) }
        defer { fclose(file) }
        guard fwrite(values, MemoryLayout<Value>.size, values.count, file) == values.count else {
            throw SpectralFileError(path: path)
        }
    }

    private func digits(_ value: Double) -> String { "\((value * 1e4).rounded() / 1e4)" }
}

/// The frames could not be written.
struct SpectralFileError: Error, CustomStringConvertible {
    var path: String
    var description: String { "\(path) cannot be written; check the folder and its rights" }
}
