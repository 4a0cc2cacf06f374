import Quantities
import RigSimulator
import World

/// A peer, a virtual clock, and the bytes that came back.
final class Bench {
    let peer: any VirtualPeer
    var now = Instant.zero

    init(_ peer: any VirtualPeer) { self.peer = peer }

    /// Lets `span` pass, visiting every deadline as a virtual line would; returns what came.
    @discardableResult
    func wait(_ span: TimeSpan) -> [UInt8] {
        let end = now + span
        var bytes: [UInt8] = []
        for _ in 0..<100_000 {
            let next = max(now, peer.deadline)
            guard next <= end else { break }
            now = next
            peer.advance(to: now)
            peer.takeOutput(into: &bytes, at: now)
        }
        now = end
        peer.advance(to: now)
        peer.takeOutput(into: &bytes, at: now)
        return bytes
    }

    /// Sends `bytes` and returns what came within 20 ms.
    func ask(_ bytes: [UInt8]) -> [UInt8] {
        peer.receive(bytes[...], at: now)
        return wait(.milliseconds(20))
    }

    /// Sends a command with CR; control characters of the answer are shown by name.
    func ask(_ text: String) -> String { Self.shown(ask(Array(text.utf8) + [0x0D])) }

    /// Sends `data` as a Safe packet with a checksum from a table-free second computation.
    func askSafe(_ data: String) -> String {
        Self.shown(ask(Self.safePacket(data)))
    }

    /// The Safe packet of `data`; CRC by polynomial long division over bits.
    static func safePacket(_ data: String) -> [UInt8] {
        let bytes = Array(data.utf8)
        var register: UInt32 = 0
        for byte in bytes + [0, 0] {
            for bit in (0..<8).reversed() {
                register = register << 1 | UInt32(byte >> UInt8(bit) & 1)
                if register & 0x1_0000 != 0 { register ^= 0x1_1021 }
            }
        }
        return [2, UInt8(bytes.count + 4)] + bytes
            + [UInt8(register >> 8), UInt8(register & 0xFF), 3]
    }

    static func shown(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            switch byte {
            case 0x02: "<STX>"
            case 0x03: "<ETX>"
            case 0x0A: "<LF>"
            case 0x0D: "<CR>"
            case 0x11: "<XON>"
            case 0x20..<0x7F: String(UnicodeScalar(byte))
            default: "<\(byte)>"
            }
        }.joined()
    }
}

/// The New Era status packet around `text`.
func basic(_ text: String) -> String { "<STX>\(text)<ETX>" }

func syringe(
    diameter: Double = 14.43, contents: Double = 10_000, lag: TimeSpan = .milliseconds(200)
) -> SyringeDrive {
    SyringeDrive(
        diameter: Length(millimeters: diameter), capacity: Volume(microliters: 10_000),
        contents: Volume(microliters: contents), timeConstant: lag)
}
