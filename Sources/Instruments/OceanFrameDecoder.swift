/// Reads the answer to `S` byte by byte: STX, header, pixels, FFFD, checksum.
///
/// The end is found by counting, never by looking for FFFD: saturated pixels of a 16-bit unit
/// may have any value. Everything the header says is compared with what was asked, because a
/// header that disagrees means that the instrument works with other settings than we believe.
struct OceanFrameDecoder: Equatable {
    /// What the bytes so far amount to.
    enum Outcome: Equatable {
        case incomplete
        /// `counts` is the scan.
        case complete
        /// ETX: the instrument will not scan.
        case refused
        /// Not a scan, or a damaged one.
        case garbled(String)
        /// A scan, but of other settings: what had been expected.
        case disagrees(String)
    }

    /// How scans are coded.
    struct Coding: Equatable {
        var header: OceanSpectrometer.Header
        var compression: Bool
        var checksum: Bool
        var firstPixelIsEscaped: Bool
    }

    /// A header word: its name and the value it must have.
    private struct Field: Equatable {
        var name: String
        var expected: UInt16?
    }

    private enum Stage: Equatable { case start, header, pixels, end, checksum }

    /// The pixels so far.
    private(set) var counts: [UInt16] = []
    private var request: OceanScanRequest
    private var coding: Coding
    private var fields: [Field]
    private var pixelCount: Int
    /// Rooms for pixels, used in turn: an owner may still hold those of the last scans.
    private var rooms: [[UInt16]] = []
    private var room = 0
    private static let roomCount = 4
    private var stage = Stage.start
    private var fieldIndex = 0
    private var high: UInt8?
    /// Bytes of an absolute pixel still to come in a compressed scan.
    private var absoluteBytes = 0
    private var sum: UInt16 = 0

    /// A decoder for one scan of `request`.
    init(_ request: OceanScanRequest, coding: Coding) {
        self.request = request
        self.coding = coding
        fields = Self.fields(request, coding)
        pixelCount = request.count
        makeRooms()
    }

    /// A decoder for the next scan. Uses the heap only when `request` or `coding` differ from
    /// the last ones, or the pixels of the scan before the last three are still held.
    mutating func restart(_ request: OceanScanRequest, coding: Coding) {
        if request != self.request || coding != self.coding {
            self.request = request
            self.coding = coding
            fields = Self.fields(request, coding)
            pixelCount = request.count
            makeRooms()
        }
        swap(&counts, &rooms[room])
        room = (room + 1) % Self.roomCount
        counts.removeAll(keepingCapacity: true)
        stage = .start
        fieldIndex = 0
        high = nil
        absoluteBytes = 0
        sum = 0
    }

    private mutating func makeRooms() {
        // A copy of an array has no more room than it needs, so each is made by itself.
        rooms = (0..<Self.roomCount).map { _ in
            var room: [UInt16] = []
            room.reserveCapacity(pixelCount)
            return room
        }
        counts.reserveCapacity(pixelCount)
    }

    private static func fields(_ request: OceanScanRequest, _ coding: Coding) -> [Field] {
        let integration = Field(name: "integration ms", expected: request.milliseconds)
        var fields = [Field(name: "start", expected: 0xFFFF)]
        switch coding.header {
        case .flame:
            fields.append(Field(name: "size flag", expected: 0))
            fields.append(Field(name: "scans accumulated", expected: 1))
            fields.append(integration)
            fields.append(Field(name: "baseline", expected: nil))
            fields.append(Field(name: "baseline", expected: nil))
        case .sad500:
            fields.append(Field(name: "channel", expected: nil))
            fields.append(Field(name: "scan number", expected: nil))
            fields.append(Field(name: "scans in memory", expected: nil))
            fields.append(integration)
            fields.append(Field(name: "integration counter", expected: nil))
        }
        fields.append(Field(name: "pixel mode", expected: 3))
        fields.append(Field(name: "first pixel", expected: request.firstPixel))
        fields.append(Field(name: "last pixel", expected: request.lastPixel))
        fields.append(Field(name: "pixel step", expected: request.pixelStep))
        return fields
    }

    /// The most bytes a scan of `request` can have.
    static func largestSize(_ request: OceanScanRequest, coding: Coding) -> Int {
        let words = 10 + 1 + (coding.checksum ? 1 : 0)
        return 1 + 2 * words + request.count * (coding.compression ? 3 : 2)
    }

    /// Takes one byte. After anything but `incomplete` the decoder is used up.
    mutating func take(_ byte: UInt8) -> Outcome {
        switch stage {
        case .start:
            if byte == OceanCommand.scanRefused { return .refused }
            guard byte == OceanCommand.scanFollows else {
                return .garbled("neither STX nor ETX at the start of a scan")
            }
            stage = .header
            return .incomplete
        case .pixels where coding.compression:
            return takeCompressed(byte)
        case .header, .pixels, .end, .checksum:
            guard let first = high else {
                high = byte
                return .incomplete
            }
            high = nil
            return takeWord(UInt16(first) << 8 | UInt16(byte))
        }
    }

    private mutating func takeWord(_ word: UInt16) -> Outcome {
        switch stage {
        case .start: return .incomplete
        case .header: return takeHeader(word)
        case .pixels:
            counts.append(word)
            sum &+= word
            if counts.count == pixelCount { stage = .end }
            return .incomplete
        case .end:
            guard word == 0xFFFD else { return .garbled("no FFFD after the last pixel") }
            guard coding.checksum else { return .complete }
            stage = .checksum
            return .incomplete
        case .checksum:
            return word == sum ? .complete : .garbled("checksum does not match the pixels")
        }
    }

    private mutating func takeHeader(_ word: UInt16) -> Outcome {
        let field = fields[fieldIndex]
        if let expected = field.expected, word != expected {
            switch field.name {
            case "start": return .garbled("no FFFF at the start of the header")
            case "size flag":
                // How accumulated (DWORD) scans are compressed and summed is not documented.
                return .garbled("pixels are not WORDs; scans must not be accumulated")
            default: return .disagrees("\(field.name) \(expected)")
            }
        }
        fieldIndex += 1
        if fieldIndex == fields.count {
            stage = .pixels
            if coding.compression, !coding.firstPixelIsEscaped { absoluteBytes = 2 }
        }
        return .incomplete
    }

    /// 0x80 announces an absolute WORD; any other byte is a signed difference. The checksum adds
    /// 0x80 and the value for the first, the unsigned byte for the second.
    private mutating func takeCompressed(_ byte: UInt8) -> Outcome {
        if absoluteBytes > 0 {
            absoluteBytes -= 1
            guard let first = high else {
                high = byte
                return .incomplete
            }
            high = nil
            let value = UInt16(first) << 8 | UInt16(byte)
            sum &+= value
            return takePixel(value)
        }
        if byte == 0x80 {
            absoluteBytes = 2
            sum &+= 0x80
            return .incomplete
        }
        guard let previous = counts.last else {
            return .garbled("the first pixel is not absolute; see first_pixel_escaped")
        }
        let value = Int(previous) + Int(Int8(bitPattern: byte))
        guard let pixel = UInt16(exactly: value) else {
            return .garbled("a difference leaves 0…65535")
        }
        sum &+= UInt16(byte)
        return takePixel(pixel)
    }

    private mutating func takePixel(_ value: UInt16) -> Outcome {
        counts.append(value)
        if counts.count == pixelCount { stage = .end }
        return .incomplete
    }
}
