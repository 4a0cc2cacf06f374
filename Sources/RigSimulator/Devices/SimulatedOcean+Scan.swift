import Quantities

extension SimulatedOcean {
    /// `S`: begins a scan, or refuses with ETX.
    func start(at now: Instant) {
        guard parameters.storage == 0, parameters.scansToStore == 1 else {
            errorWord |= 2
            output.append(Self.etx)
            return
        }
        // An external trigger never comes: silence, until the host gives up.
        guard parameters.trigger <= 1 else { return }
        let exposure = TimeSpan.milliseconds(Int64(parameters.integration))
        scan = Scan(from: now, until: now + exposure * Int64(parameters.scans))
    }

    /// The light is in: STX and the frame.
    func finish(_ scan: Scan) {
        let exposure = TimeSpan.milliseconds(Int64(parameters.integration))
        let width = 2 * Double(parameters.boxcar) + 1
        accumulated.removeAll(keepingCapacity: true)
        for index in 0..<Int64(parameters.scans) {
            expected.removeAll(keepingCapacity: true)
            counts.removeAll(keepingCapacity: true)
            let from = scan.from + exposure * index
            scene.exposure(
                pixels: pixels, from: from, until: from + exposure,
                lampOn: parameters.lamp != 0, into: &expected)
            NormalTable.expose(
                expected, dark: options.darkLevel,
                readVariance: options.readNoise * options.readNoise,
                shotVariance: options.shotVariance, averaged: width, with: &noise,
                into: &counts)
            if accumulated.isEmpty {
                swap(&accumulated, &counts)
            } else {
                for pixel in 0..<min(accumulated.count, counts.count) {
                    accumulated[pixel] += counts[pixel]
                }
            }
        }
        counter &+= parameters.scans
        scansSent += 1
        lastMaximum = UInt16(min(accumulated.max() ?? 0, 65_535))
        let start = output.count
        output.append(Self.stx)
        if isASCII {
            writeText(accumulated)
        } else {
            encoder.encode(accumulated, header: header, into: &output)
        }
        if options.variant == .sad500 { lastFrame = Array(output[start...]) }
    }

    private var encoder: OceanFrameEncoder {
        OceanFrameEncoder(
            variant: options.variant, compresses: parameters.compression != 0,
            addsChecksum: parameters.checksum != 0, marksFirstPixel: options.marksFirstPixel)
    }

    private var header: OceanFrameHeader {
        OceanFrameHeader(
            scans: parameters.scans, integration: parameters.integration, baseline: 0,
            counter: counter, pixelMode: parameters.pixelMode,
            pixelParameters: parameters.pixelParameters)
    }

    /// Counts as decimal numbers separated by blanks, ended by CR LF: enough for a person at a
    /// terminal; the manuals show no exact layout.
    private func writeText(_ counts: [UInt32]) {
        for count in counts { output += Array("\(count) ".utf8) }
        output += [0x0D, 0x0A]
    }
}
