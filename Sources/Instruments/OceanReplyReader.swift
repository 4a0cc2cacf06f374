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
        /// A scan; see `OceanReplyReader.expectScan`.
        case scan
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
        /// A scan; its pixels are `counts`.
        case scan
        case garbled(String)
        case disagrees(String)
    }

    private var shape = Shape.acknowledgement
    private var decoder: OceanFrameDecoder?
    /// The first bytes that came, for reports.
    private(set) var received: [UInt8] = []
    private var text: [UInt8] = []
    private var count = 0

    /// A reader that expects nothing.
    init() {
        received.reserveCapacity(OceanLimits.reported)
        text.reserveCapacity(OceanCalibration.textLimit)
    }

    /// From here on one reply of `shape`. The room of the former one is used again.
    mutating func expect(_ shape: Shape) {
        self.shape = shape
        received.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: true)
        count = 0
    }

    /// From here on one scan of `request`.
    mutating func expectScan(_ request: OceanScanRequest, coding: OceanFrameDecoder.Coding) {
        expect(.scan)
        if decoder == nil { decoder = OceanFrameDecoder(request, coding: coding) }
        decoder?.restart(request, coding: coding)
    }

    /// The pixels of the scan that was read last.
    var counts: [UInt16] { decoder?.counts ?? [] }

    /// Whether no byte has come yet.
    var isFresh: Bool { count == 0 }

    /// Takes bytes from `index` on until they amount to something, and moves `index` behind the
    /// last one taken. After anything but `incomplete` the reader is used up.
    mutating func take(_ bytes: ArraySlice<UInt8>, from index: inout Int) -> Outcome {
        let start = index
        let outcome = takeAll(bytes, from: &index)
        for place in start..<index where received.count < OceanLimits.reported {
            received.append(bytes[place])
        }
        return outcome
    }

    private mutating func takeAll(_ bytes: ArraySlice<UInt8>, from index: inout Int) -> Outcome {
        if shape == .scan {
            while index < bytes.endIndex {
                let outcome = decoder?.take(bytes[index]) ?? .refused
                index += 1
                count += 1
                switch outcome {
                case .incomplete: continue
                case .complete: return .scan
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
