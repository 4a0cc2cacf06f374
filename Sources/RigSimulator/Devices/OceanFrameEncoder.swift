/// What a frame says about itself.
struct OceanFrameHeader {
    var scans: UInt16 = 1
    var integration: UInt16 = 100
    var baseline: UInt32 = 0
    var counter: UInt16 = 0
    var pixelMode: UInt16 = 0
    var pixelParameters: [UInt16] = []
}

/// Builds frames byte by byte: words are 16 bits, most significant byte first.
struct OceanFrameEncoder {
    var variant = SimulatedOceanOptions.Variant.flame
    var compresses = false
    var addsChecksum = false
    var marksFirstPixel = true

    /// Appends the frame of `pixels` without the STX before it. Accumulated scans (`scans` > 1)
    /// are sent as double words, uncompressed: the sources do not say how they would compress.
    func encode(_ pixels: [UInt32], header: OceanFrameHeader, into bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + 3 * pixels.count + 64)
        let isWide = header.scans > 1
        put(0xFFFF, into: &bytes)
        switch variant {
        case .flame:
            put(isWide ? 1 : 0, into: &bytes)
            put(header.scans, into: &bytes)
            put(header.integration, into: &bytes)
            put(UInt16(truncatingIfNeeded: header.baseline >> 16), into: &bytes)
            put(UInt16(truncatingIfNeeded: header.baseline), into: &bytes)
        case .sad500:
            put(0, into: &bytes)  // channel
            put(1, into: &bytes)  // scan number
            put(0, into: &bytes)  // scans in memory
            put(header.integration, into: &bytes)
            put(header.counter, into: &bytes)
        }
        put(header.pixelMode, into: &bytes)
        for parameter in header.pixelParameters { put(parameter, into: &bytes) }
        let checksum =
            isWide
            ? wide(pixels, into: &bytes)
            : compresses ? compressed(pixels, into: &bytes) : plain(pixels, into: &bytes)
        put(0xFFFD, into: &bytes)
        if addsChecksum { put(checksum, into: &bytes) }
    }

    private func put(_ word: UInt16, into bytes: inout [UInt8]) {
        bytes.append(UInt8(word >> 8))
        bytes.append(UInt8(truncatingIfNeeded: word))
    }

    private func plain(_ pixels: [UInt32], into bytes: inout [UInt8]) -> UInt16 {
        var sum: UInt16 = 0
        for pixel in pixels {
            let word = UInt16(truncatingIfNeeded: pixel)
            put(word, into: &bytes)
            sum &+= word
        }
        return sum
    }

    private func wide(_ pixels: [UInt32], into bytes: inout [UInt8]) -> UInt16 {
        var sum: UInt16 = 0
        for pixel in pixels {
            put(UInt16(truncatingIfNeeded: pixel >> 16), into: &bytes)
            put(UInt16(truncatingIfNeeded: pixel), into: &bytes)
            sum &+= UInt16(truncatingIfNeeded: pixel)
        }
        return sum
    }

    /// A difference of −127…127 is one byte; anything else, and the first pixel, is 0x80 and the
    /// value. A difference adds its byte to the checksum, a value itself and 0x80.
    private func compressed(_ pixels: [UInt32], into bytes: inout [UInt8]) -> UInt16 {
        var sum: UInt16 = 0
        var previous = 0
        for (index, pixel) in pixels.enumerated() {
            let word = UInt16(truncatingIfNeeded: pixel)
            let difference = Int(word) - previous
            previous = Int(word)
            if index > 0, (-127...127).contains(difference) {
                let byte = UInt8(bitPattern: Int8(difference))
                bytes.append(byte)
                sum &+= UInt16(byte)
            } else if index == 0, !marksFirstPixel {
                put(word, into: &bytes)
                sum &+= word
            } else {
                bytes.append(0x80)
                put(word, into: &bytes)
                sum &+= word &+ 0x80
            }
        }
        return sum
    }
}
