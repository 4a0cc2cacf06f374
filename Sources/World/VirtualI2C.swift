import Glibc
import Quantities

/// The far end of an I²C address: a simulated chip that sees what is on the wire. Every SMBus
/// call of the host arrives here as the messages it is made of.
public protocol VirtualI2CPeer: AnyObject {
    /// The host wrote `bytes` in one message. False: the chip did not acknowledge.
    func receive(_ bytes: [UInt8], at now: Instant) -> Bool
    /// The host reads `count` bytes in one message; nil: the chip did not acknowledge. A chip
    /// with less to say sends what it has; the bus reads the rest as 0xFF.
    func send(_ count: Int, at now: Instant) -> [UInt8]?
}

/// The host's handle of a simulated chip: SMBus calls as messages (SMBus 3.2, section 6.5).
final class VirtualI2CHandle: I2CDevice {
    private let peer: any VirtualI2CPeer
    private let name: String
    private weak var world: VirtualWorld?
    private var isClosed = false

    init(_ peer: any VirtualI2CPeer, name: String, world: VirtualWorld) {
        self.peer = peer
        self.name = name
        self.world = world
    }

    private func out(_ bytes: [UInt8], _ operation: String) throws(WorldError) {
        guard !isClosed, let world else { throw .gone(name: name) }
        guard peer.receive(bytes, at: world.now) else { throw .of(-EREMOTEIO, operation, name) }
    }

    private func take(_ count: Int, _ operation: String) throws(WorldError) -> [UInt8] {
        guard !isClosed, let world else { throw .gone(name: name) }
        guard let bytes = peer.send(count, at: world.now) else {
            throw .of(-EREMOTEIO, operation, name)
        }
        return (0..<count).map { $0 < bytes.count ? bytes[$0] : 0xFF }
    }

    private func check(_ count: Int, _ limit: Int, _ operation: String) throws(WorldError) {
        guard (1...limit).contains(count) else { throw .of(-EINVAL, operation, name) }
    }

    func writeByte(_ value: UInt8, to register: UInt8) throws(WorldError) {
        try out([register, value], "write byte")
    }

    func readByte(from register: UInt8) throws(WorldError) -> UInt8 {
        try out([register], "read byte")
        return try take(1, "read byte")[0]
    }

    func readBlock(from register: UInt8, count: Int) throws(WorldError) -> [UInt8] {
        try check(count, 32, "read block")
        try out([register], "read block")
        return try take(count, "read block")
    }

    func readWord(from register: UInt8) throws(WorldError) -> UInt16 {
        try out([register], "read word")
        let bytes = try take(2, "read word")
        return UInt16(bytes[0]) << 8 | UInt16(bytes[1])
    }

    func writeWord(_ value: UInt16, to register: UInt8) throws(WorldError) {
        try out([register, UInt8(value >> 8), UInt8(value & 255)], "write word")
    }

    func writeBlock(_ bytes: [UInt8], to register: UInt8) throws(WorldError) {
        try check(bytes.count, 32, "write block")
        try out([register] + bytes, "write block")
    }

    func transfer(_ bytes: [UInt8], reading count: Int) throws(WorldError) -> [UInt8] {
        try check(count, 8192, "transfer")
        try out(bytes, "transfer")
        return try take(count, "transfer")
    }

    func write(_ bytes: [UInt8]) throws(WorldError) { try out(bytes, "write") }

    func read(count: Int) throws(WorldError) -> [UInt8] {
        try check(count, 8192, "read")
        return try take(count, "read")
    }

    func close() { isClosed = true }
}
