import Quantities
import World

/// A simulated chip with a fault injector before it: what sensors do on a bench with long wires.
public final class FaultyChip: VirtualI2CPeer {
    /// The chip.
    public let chip: any VirtualI2CPeer
    /// While true nothing acknowledges: a pulled plug.
    public var isGone = false
    /// So many of the next messages are not acknowledged.
    public var refusals = 0
    /// So many of the next answers have one bit wrong.
    public var corruptions = 0
    /// The bit of an answer that is wrong, counted over its bytes.
    public var corruptBit = 0
    /// While true every answer is the one before it: a chip that hangs but acknowledges.
    public var isFrozen = false
    /// The register that was asked for last, and the last answer from each.
    private var register: UInt8 = 0
    private var lastAnswers: [UInt8: [UInt8]] = [:]

    /// A chip without faults so far.
    public init(_ chip: any VirtualI2CPeer) { self.chip = chip }

    private var refuses: Bool {
        if isGone { return true }
        guard refusals > 0 else { return false }
        refusals -= 1
        return true
    }

    /// A message from the host.
    public func receive(_ bytes: [UInt8], at now: Instant) -> Bool {
        guard !refuses else { return false }
        register = bytes.first ?? register
        return chip.receive(bytes, at: now)
    }

    /// A message to the host.
    public func send(_ count: Int, at now: Instant) -> [UInt8]? {
        guard !refuses, var bytes = chip.send(count, at: now) else { return nil }
        if isFrozen, let last = lastAnswers[register], last.count == count { bytes = last }
        lastAnswers[register] = bytes
        if corruptions > 0, !bytes.isEmpty {
            corruptions -= 1
            let bit = corruptBit % (bytes.count * 8)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
        return bytes
    }
}

/// What a sensor is held into: one number at every time.
public typealias SimulatedSignal = (Instant) -> Double
