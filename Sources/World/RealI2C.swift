import CI2C
import Glibc

/// One chip on a bus of the kernel (i2c-dev).
final class RealI2CDevice: I2CDevice {
    private let name: String
    private let address: UInt8
    private var fd: Int32

    init(bus: String, address: UInt8) throws(WorldError) {
        name = "\(bus) address 0x\(String(address, radix: 16))"
        self.address = address
        fd = ci2c_open(bus, address)
        guard fd >= 0 else {
            let hint: String? =
                switch -fd {
                case ENOENT: "no such bus: load i2c-dev and enable the bus in the device tree"
                case EBUSY: "a kernel driver owns this address"
                default: nil
                }
            throw .of(fd, "open", name, hint: hint)
        }
    }

    deinit { close() }

    private func check(_ result: Int32, _ operation: String) throws(WorldError) {
        guard fd >= 0 else { throw .gone(name: name) }
        guard result >= 0 else {
            throw .of(
                result, operation, name, hint: "the chip does not answer: check wiring and power")
        }
    }

    func writeByte(_ value: UInt8, to register: UInt8) throws(WorldError) {
        try check(ci2c_write_byte(fd, register, value), "write byte")
    }

    func readByte(from register: UInt8) throws(WorldError) -> UInt8 {
        let result = ci2c_read_byte(fd, register)
        try check(result, "read byte")
        return UInt8(truncatingIfNeeded: result)
    }

    func readBlock(from register: UInt8, count: Int) throws(WorldError) -> [UInt8] {
        guard (1...32).contains(count) else {
            throw .of(-EINVAL, "read block of \(count) bytes", name)
        }
        var bytes = [UInt8](repeating: 0, count: 32)
        let result = ci2c_read_block(fd, register, UInt8(count), &bytes)
        try check(result, "read block")
        guard Int(result) == count else { throw .of(-EPROTO, "read block", name) }
        return Array(bytes.prefix(count))
    }

    func readWord(from register: UInt8) throws(WorldError) -> UInt16 {
        let result = ci2c_read_word(fd, register)
        try check(result, "read word")
        return UInt16(truncatingIfNeeded: result).byteSwapped
    }

    func writeWord(_ value: UInt16, to register: UInt8) throws(WorldError) {
        try check(ci2c_write_word(fd, register, value.byteSwapped), "write word")
    }

    func writeBlock(_ bytes: [UInt8], to register: UInt8) throws(WorldError) {
        guard (1...32).contains(bytes.count) else {
            throw .of(-EINVAL, "write block of \(bytes.count) bytes", name)
        }
        try check(ci2c_write_block(fd, register, UInt8(bytes.count), bytes), "write block")
    }

    func transfer(_ bytes: [UInt8], reading count: Int) throws(WorldError) -> [UInt8] {
        guard (1...8192).contains(count) else { throw .of(-EINVAL, "transfer", name) }
        var answer = [UInt8](repeating: 0, count: count)
        try check(
            ci2c_transfer(fd, address, bytes, bytes.count, &answer, count), "transfer")
        return answer
    }

    func write(_ bytes: [UInt8]) throws(WorldError) {
        try check(ci2c_write(fd, bytes, bytes.count), "write")
    }

    func read(count: Int) throws(WorldError) -> [UInt8] {
        // i2c-dev moves at most 8192 bytes in one message.
        guard (1...8192).contains(count) else { throw .of(-EINVAL, "read", name) }
        var bytes = [UInt8](repeating: 0, count: count)
        try check(ci2c_read(fd, &bytes, count), "read")
        return bytes
    }

    func close() {
        if fd >= 0 { _ = Glibc.close(fd) }
        fd = -1
    }
}

/// Buses for threads that own no `World`.
public enum I2CBus {
    /// Opens the chip at `address` on `bus`, e.g. `/dev/i2c-1`, for the calling thread. Every call
    /// on it may block for as long as the bus hangs: keep it away from threads with deadlines.
    public static func open(bus: String, address: UInt8) throws(WorldError) -> any I2CDevice {
        try RealI2CDevice(bus: bus, address: address)
    }
}
