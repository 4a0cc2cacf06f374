/// Reads one reply, byte by byte, knowing only what was asked.
struct OceanReplyReader: Equatable {
    /// What a reply looks like.
    enum Shape: Equatable {
        /// ACK and a WORD in binary mode; legible text in ASCII mode.
        case version
        /// ACK or NAK.
        case acknowledgement
        /// ACK and a WORD, or NAK.
        case word
        /// ACK and at most 15 bytes of text, ended by CR or padded; or NAK.
        case constant
        /// A scan.
        case scan(OceanFrameDecoder)
    }

    /// What the bytes so far amount to.
    enum Outcome: Equatable {
        case incomplete
        case acknowledged
        case refused
        case word(UInt16)
        /// The instrument is in ASCII mode.
        case legible
        case constant([UInt8])
        case scan([UInt16])
        case garbled(String)
        case disagrees(String)
    }

    private var shape: Shape
    /// The first bytes that came, for reports.
    private(set) var received: [UInt8] = []
    private var text: [UInt8] = []
    private var count = 0

    /// A reader for one reply.
    init(_ shape: Shape) { self.shape = shape }

    /// A reader that expects nothing.
    init() { shape = .acknowledgement }

    /// Whether no byte has come yet.
    var isFresh: Bool { count == 0 }

    /// Takes bytes from `index` on until they amount to something, and moves `index` behind the
    /// last one taken. After anything but `incomplete` the reader is used up.
    mutating func take(_ bytes: ArraySlice<UInt8>, from index: inout Int) -> Outcome {
        let kept = bytes[index...].prefix(OceanLimits.reported - received.count)
        let start = index
        let outcome = takeAll(bytes, from: &index)
        received.append(contentsOf: kept.prefix(index - start))
        return outcome
    }

    private mutating func takeAll(_ bytes: ArraySlice<UInt8>, from index: inout Int) -> Outcome {
        if case .scan(var decoder) = shape {
            // The decoder is moved out and in again: a copy of its pixels for every portion
            // would make a scan quadratic.
            shape = .acknowledgement
            defer { shape = .scan(decoder) }
            while index < bytes.endIndex {
                let outcome = decoder.take(bytes[index])
                index += 1
                count += 1
                switch outcome {
                case .incomplete: continue
                case .complete: return .scan(decoder.counts)
                case .refused: return .refused
                case .garbled(let why): return .garbled(why)
                case .disagrees(let expected): return .disagrees(expected)
                }
            }
            return .incomplete
        }
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            count += 1
            let outcome = count == 1 ? takeFirst(byte) : takeNext(byte)
            if outcome != .incomplete { return outcome }
        }
        return .incomplete
    }

    private mutating func takeFirst(_ byte: UInt8) -> Outcome {
        switch (byte, shape) {
        case (OceanCommand.acknowledge, .acknowledgement): return .acknowledged
        case (OceanCommand.acknowledge, _): return .incomplete
        case (OceanCommand.refuse, _): return .refused
        case (0x20...0x7E, .version), (0x0A, .version), (0x0D, .version): return .legible
        default: return .garbled("neither ACK nor NAK")
        }
    }

    private mutating func takeNext(_ byte: UInt8) -> Outcome {
        text.append(byte)
        switch shape {
        case .constant:
            if byte == 0x0D || byte == 0x0A || text.count == OceanCalibration.textLimit {
                return .constant(text)
            }
            return .incomplete
        default:
            guard text.count == 2 else { return .incomplete }
            return .word(UInt16(text[0]) << 8 | UInt16(text[1]))
        }
    }
}
