import Quantities

/// Packets of the New Era protocol (NE-1000 manual, pp. 33-34).
enum NewEraPackets {
    static let stx: UInt8 = 0x02
    static let etx: UInt8 = 0x03
    /// Longest data of a Safe packet: its length byte counts four bytes more.
    static let dataMax = 251

    /// CRC-16 with polynomial 1021, start 0, not reflected: the variant of the manual's example.
    static func crc(_ data: ArraySlice<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in data {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
        }
        return crc
    }

    /// `text` as the pump frames its replies.
    static func reply(_ text: String, safe: Bool) -> [UInt8] {
        let data = Array(text.utf8.prefix(dataMax))
        guard safe else { return [stx] + data + [etx] }
        let crc = crc(data[...])
        return [stx, UInt8(data.count + 4)] + data + [UInt8(crc >> 8), UInt8(crc & 0xFF), etx]
    }
}

/// The receiving side of one pump: bytes to packets.
struct NewEraReceiver {
    /// What came in.
    enum Packet: Equatable {
        case basic(String)
        case safe(String)
        case damaged
    }

    /// Longest Basic command kept; anything longer is answered as damaged.
    static let basicMax = 128
    /// Silence inside a packet after which it is dropped (p. 34).
    static let interByteTimeout = TimeSpan.milliseconds(500)

    private var buffer: [UInt8] = []
    private var overflowed = false
    private var lastByte = Instant.zero

    /// When the packet begun will be dropped; nil between packets.
    var expiry: Instant? {
        buffer.isEmpty && !overflowed ? nil : lastByte + Self.interByteTimeout
    }

    /// Drops a packet that has waited too long for its next byte.
    mutating func expire(at now: Instant) {
        if let expiry, now >= expiry { reset() }
    }

    mutating func reset() {
        buffer.removeAll(keepingCapacity: true)
        overflowed = false
    }

    /// One byte; `safe`: the pump's present mode, in which STX always begins a packet.
    mutating func receive(_ byte: UInt8, safe: Bool, at now: Instant) -> Packet? {
        lastByte = now
        if buffer.first == NewEraPackets.stx { return receiveSafe(byte) }
        if byte == NewEraPackets.stx, safe || buffer.isEmpty {
            reset()
            buffer.append(byte)
            return nil
        }
        if byte == 0x0D {
            defer { reset() }
            return overflowed ? .damaged : .basic(Self.clean(buffer[...]))
        }
        // Spaces and control characters are stripped as they come: they use no room.
        guard byte > 0x20, byte != 0x7F else { return nil }
        if buffer.count < Self.basicMax { buffer.append(byte) } else { overflowed = true }
        return nil
    }

    private mutating func receiveSafe(_ byte: UInt8) -> Packet? {
        buffer.append(byte)
        guard buffer.count >= 2 else { return nil }
        let length = Int(buffer[1])
        guard length >= 4 else {
            reset()
            return .damaged
        }
        guard buffer.count == length + 1 else { return nil }
        defer { reset() }
        let data = buffer[2..<(buffer.count - 3)]
        let crc = UInt16(buffer[buffer.count - 3]) << 8 | UInt16(buffer[buffer.count - 2])
        guard byte == NewEraPackets.etx, crc == NewEraPackets.crc(data) else { return .damaged }
        return .safe(Self.clean(data))
    }

    private static func clean(_ bytes: ArraySlice<UInt8>) -> String {
        let kept = bytes.filter { $0 > 0x20 && $0 < 0x7F }
        return String(decoding: kept, as: UTF8.self).uppercased()
    }
}
