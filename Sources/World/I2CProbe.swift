import CI2C
import Glibc

/// Asks addresses of an I²C bus for one byte each.
public enum I2CProbe {
    /// What an address answered.
    public enum Answer: Equatable, Sendable {
        /// A byte came: there is a chip.
        case byte(UInt8)
        /// A driver of the kernel has the chip.
        case driver
        /// Nobody answered.
        case silence
    }

    /// Reads one byte from `address` on the bus at `path`, without writing any before. The bus
    /// carries the address, and a chip that is there sends whatever it would send next.
    public static func read(_ path: String, address: UInt8) throws(WorldError) -> Answer {
        let fd = ci2c_open(path, address)
        if fd == -EBUSY { return .driver }
        guard fd >= 0 else {
            throw .of(fd, "open", path, hint: "see /dev/i2c-*; load the module i2c-dev")
        }
        defer { _ = Glibc.close(fd) }
        var byte: UInt8 = 0
        let result = ci2c_read(fd, &byte, 1)
        if result >= 0 { return .byte(byte) }
        // A chip that is not there does not acknowledge its address; how the adapters' drivers
        // say so differs.
        if [-ENXIO, -EREMOTEIO, -EIO, -ETIMEDOUT, -EAGAIN].contains(result) { return .silence }
        throw .of(result, "read from address 0x\(String(address, radix: 16)) of", path)
    }
}
