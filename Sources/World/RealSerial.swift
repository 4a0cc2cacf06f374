import CSerial
import Glibc
import Quantities

/// A serial line of the kernel.
final class RealSerialPort: SerialPort, Pollable {
    private let path: String
    private var port: OpaquePointer?
    private weak var world: RealWorld?
    private var isGone = false
    /// Who listens; nil: the owner of the world reads the line itself.
    private let ear: LineEar?
    /// The world saw input, or has not looked yet. Not for a line with an ear.
    private var isInputSeen = true
    /// The ear's missing privilege was told.
    private var hasToldLoss = false

    /// A new speed that is on its way; nothing is written meanwhile.
    private var change: PortClerk.Errand?

    /// The line at `path` that `open` opened, and who listens to it.
    init(path: String, port: OpaquePointer, ear: LineEar?, world: RealWorld) {
        self.path = path
        self.port = port
        self.ear = ear
        self.world = world
    }

    /// Opens a line for one owner; takes its time.
    static func open(_ settings: SerialSettings) throws(WorldError) -> OpaquePointer {
        var port: OpaquePointer?
        guard let baud = Int32(exactly: settings.baud), baud > 0 else {
            throw .failed(
                operation: "open", name: settings.path, errno: EINVAL,
                reason: "\(settings.baud) is not a line speed")
        }
        let result = cserial_open(settings.path, baud, &port)
        if result == -ENOTTY {
            throw .failed(
                operation: "open", name: settings.path, errno: ENOTTY,
                reason: "it is not a serial line; list them with: ls -l /dev/serial/by-id")
        }
        guard result >= 0, let port else { throw .of(result, "open", settings.path) }
        return port
    }

    deinit { close() }

    /// A line with an ear is not polled: its ear rings the world's bell.
    var pollDescriptors: [Int32] {
        guard ear == nil, let port else { return [] }
        return [cserial_descriptor(port)]
    }

    /// False after a read that took all there was, until more came.
    var mayHaveInput: Bool { ear?.hasNews ?? isInputSeen }

    func noteInput() { isInputSeen = true }

    func hungUp() { isGone = true }

    func write(_ bytes: ArraySlice<UInt8>) throws(WorldError) -> Int {
        guard let port, !isGone, ear?.hasHungUp != true else { throw .gone(name: path) }
        guard !bytes.isEmpty, try isSpeedRight() else { return 0 }
        let result = bytes.withUnsafeBytes { cserial_write(port, $0.baseAddress, $0.count) }
        guard result >= 0 else { throw failure(Int32(truncatingIfNeeded: result), "write") }
        return result
    }

    func read(into buffer: inout [UInt8], limit: Int) throws(WorldError) -> Int {
        guard let port else { throw .gone(name: path) }
        guard limit > 0 else { return 0 }
        if let ear {
            // Looked at first: what came before the end is in the ring by then.
            let hasEnded = ear.hasHungUp
            let taken = ear.take(into: &buffer, limit: limit)
            guard taken == 0, hasEnded else { return taken }
            throw failure(-EIO, "read")
        }
        isInputSeen = isGone
        // What arrived before the hang-up may still be there, so a gone line is read as well.
        let portion = 1024
        var total = 0
        while total < limit {
            let want = min(portion, limit - total)
            let got = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: want) { space in
                let count = cserial_read(port, space.baseAddress, want)
                if count > 0 { buffer.append(contentsOf: space[..<count]) }
                return count
            }
            if got > 0 {
                total += got
                // What did not fit is still there.
                if total == limit { isInputSeen = true }
            } else if total > 0 || (got == -Int(EAGAIN) && !isGone) {
                return total
            } else if got == 0 || isGone {
                throw failure(-EIO, "read")
            } else {
                throw failure(Int32(truncatingIfNeeded: got), "read")
            }
        }
        return total
    }

    func setBaud(_ baud: Int) throws(WorldError) {
        guard let port, !isGone else { throw .gone(name: path) }
        guard let speed = Int32(exactly: baud) else { throw failure(-EINVAL, "set speed") }
        if let clerk = world?.clerk {
            change = clerk.give(.setBaud(port, baud))
            if change != nil { return }
        }
        let result = cserial_set_baud(port, speed)
        guard result >= 0 else { throw failure(result, "set speed") }
    }

    /// Whether the speed is what it shall be. Throws when it could not be changed.
    private func isSpeedRight() throws(WorldError) -> Bool {
        guard let change else { return true }
        guard change.isDone else { return false }
        self.change = nil
        guard change.code >= 0 else { throw failure(change.code, "set speed") }
        return true
    }

    func discardInput() {
        // With an ear, what is still on its way through the kernel is not waited for.
        if let ear { return ear.discard() }
        if let port, !isGone { _ = cserial_discard_input(port) }
    }

    func takeNotice() -> String? {
        guard let ear, port != nil else { return nil }
        if !hasToldLoss {
            hasToldLoss = true
            if let loss = ear.degradation {
                return "\(path): listened to without priority: \(loss)"
            }
        }
        let lost = ear.takeLost()
        return lost == 0 ? nil : "\(path): \(lost) bytes are lost, they were not taken in time"
    }

    func close() {
        guard let port else { return }
        self.port = nil
        world?.unregister(self)
        if let clerk = world?.clerk, clerk.give(.close(port, ear)) != nil { return }
        ear?.end()
        cserial_close(port)
    }

    /// An unplugged adapter says EIO, ENXIO or ENODEV, depending on its driver.
    private func failure(_ code: Int32, _ operation: String) -> WorldError {
        guard [EIO, ENXIO, ENODEV, EBADF].contains(-code) else {
            return .of(code, operation, path)
        }
        isGone = true
        world?.unregister(self)
        return .gone(name: path)
    }
}
