import Quantities

/// The two ways a New Era pump packs what it says (NE-1000 manual p. 33-34; DEVICES 2.2, 2.3).
public enum NewEraFraming: Equatable, Sendable {
    /// Command and CR one way, STX … ETX the other; no checksum.
    case basic
    /// STX, length, data, CRC-16, ETX both ways; needed for the pump's dead-man timer.
    case safe

    static let stx: UInt8 = 0x02
    static let etx: UInt8 = 0x03
    static let cr: UInt8 = 0x0D
    /// Length byte, two CRC bytes and ETX: what a Safe length counts besides the data.
    static let safeOverhead = 4
    /// A Safe reply carries at least address and status…
    static let minimumSafeLength: UInt8 = 3 + UInt8(safeOverhead)
    /// …and stays so short that its length byte cannot be taken for the digit that follows the
    /// STX of a Basic reply. The longest known reply, `VER`, has half of that.
    static let maximumSafeLength: UInt8 = UInt8(ascii: "0") - 1
    /// Longest Basic reply between STX and ETX.
    static let maximumBasicData = 44

    /// Appends `command` to the pump at `address` (0…99; nil: one that needs none) as a host sends
    /// it. Straight into `bytes`: a text made of both first would take 3 us of a stop where no
    /// cache has the code.
    func pack(_ command: String, to address: Int?, into bytes: inout [UInt8]) {
        let start = bytes.count
        if self == .safe {
            bytes.append(Self.stx)
            bytes.append(0)
        }
        let zero = UInt8(ascii: "0")
        if let address {
            if address >= 10 { bytes.append(zero + UInt8(clamping: address / 10 % 10)) }
            bytes.append(zero + UInt8(clamping: address % 10))
        }
        for byte in command.utf8 { bytes.append(byte) }
        guard self == .safe else { return bytes.append(Self.cr) }
        // Commands are built here and short; 251 is what the length byte can hold.
        let data = start + 2
        let excess = bytes.count - data - (Int(UInt8.max) - Self.safeOverhead)
        if excess > 0 { bytes.removeLast(excess) }
        bytes[start + 1] = UInt8(bytes.count - data + Self.safeOverhead)
        let crc = CRC16.xmodem(bytes[data...])
        bytes.append(UInt8(crc >> 8))
        bytes.append(UInt8(crc & 0xFF))
        bytes.append(Self.etx)
    }
}

/// Cuts what New Era pumps send into replies, in whichever framing each comes: a Basic reply has
/// a digit after STX, a Safe one its length. Safe packets are cut by length alone, because length
/// and checksum may look like STX, ETX or CR. Bytes outside a packet are noise and dropped.
struct NewEraReader: ReplyReader {
    /// A pause this long inside a packet means that the rest will not come (DEVICES 2.3).
    static let packetPause = TimeSpan.milliseconds(500)

    /// The packet so far, STX included; empty between packets.
    private var packet: [UInt8] = []
    private var lastByteAt = Instant.zero

    var heldCount: Int { packet.count }

    init() { packet.reserveCapacity(Int(UInt8.max) + 1) }

    mutating func reset() { packet.removeAll(keepingCapacity: true) }

    mutating func push(_ byte: UInt8, at now: Instant) -> Heard<NewEraReply>? {
        if !packet.isEmpty, now - lastByteAt > Self.packetPause { reset() }
        lastByteAt = now
        guard let start = packet.first else {
            if byte == NewEraFraming.stx { packet.append(byte) }
            return nil
        }
        packet.append(byte)
        guard packet.count > 2 else { return checkSecond(byte, after: start) }
        return packet[1] < UInt8(ascii: "0") ? pushSafe() : pushBasic(byte)
    }

    /// The byte after STX decides the framing.
    private mutating func checkSecond(_ byte: UInt8, after start: UInt8) -> Heard<NewEraReply>? {
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        let lengths = NewEraFraming.minimumSafeLength...NewEraFraming.maximumSafeLength
        guard !isDigit, !lengths.contains(byte) else { return nil }
        reset()
        // STX STX: the first was noise.
        if byte == NewEraFraming.stx { packet.append(start) }
        return byte == NewEraFraming.stx ? nil : .garbage(why: "neither length nor address")
    }

    private mutating func pushSafe() -> Heard<NewEraReply>? {
        let length = Int(packet[1])
        guard packet.count == length + 1 else { return nil }
        let heard = readSafe(length)
        reset()
        return heard
    }

    private func readSafe(_ length: Int) -> Heard<NewEraReply> {
        guard packet[length] == NewEraFraming.etx else {
            return .garbage(why: "no ETX where the length says")
        }
        let crc = UInt16(packet[length - 2]) << 8 | UInt16(packet[length - 1])
        guard CRC16.xmodem(packet[2..<(length - 2)]) == crc else {
            return .garbage(why: "wrong CRC")
        }
        return parse(packet[2..<(length - 2)], .safe)
    }

    private mutating func pushBasic(_ byte: UInt8) -> Heard<NewEraReply>? {
        switch byte {
        case NewEraFraming.etx:
            let heard = parse(packet[1..<(packet.count - 1)], .basic)
            reset()
            return heard
        case NewEraFraming.stx:
            // The former packet broke off; this is the next.
            reset()
            packet.append(byte)
            return nil
        case 0x20...0x7E where packet.count - 1 <= NewEraFraming.maximumBasicData:
            return nil
        default:
            reset()
            return .garbage(why: "no ETX within \(NewEraFraming.maximumBasicData) bytes of text")
        }
    }

    private func parse(_ data: ArraySlice<UInt8>, _ framing: NewEraFraming) -> Heard<NewEraReply> {
        guard let reply = NewEraReply(data, framing: framing) else {
            return .garbage(why: "not address, status and data")
        }
        return .reply(reply)
    }
}
