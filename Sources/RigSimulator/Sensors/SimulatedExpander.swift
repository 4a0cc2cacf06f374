import Quantities
import World

/// An MCP23017 (datasheet DS20001952) in bank 0 with sequential addresses. It has no watchdog:
/// whatever the host does or does not do, its outputs stay as they are.
public final class SimulatedExpander: VirtualI2CPeer {
    private var registers = [UInt8](repeating: 0, count: 0x16)
    private var pointer = 0
    /// What a meter would show at each line over time: the level, or nil while it is an input.
    public private(set) var history: [(at: Instant, levels: [Bool?])] = []

    /// A chip that just got its power: all lines are inputs.
    public init() { powerCycle(at: .zero) }

    /// The power was cut and returned.
    public func powerCycle(at now: Instant) {
        registers = [UInt8](repeating: 0, count: 0x16)
        registers[0x00] = 0xFF
        registers[0x01] = 0xFF
        note(at: now)
    }

    /// The levels now: A0 … A7, B0 … B7; nil for an input.
    public var levels: [Bool?] {
        (0..<16).map { line in
            let bit = UInt8(1) << UInt8(line % 8)
            guard registers[line / 8] & bit == 0 else { return nil }
            return registers[0x14 + line / 8] & bit != 0
        }
    }

    /// The host writes the pointer, and perhaps registers.
    public func receive(_ bytes: [UInt8], at now: Instant) -> Bool {
        guard let first = bytes.first else { return true }
        pointer = Int(first)
        for (offset, byte) in bytes.dropFirst().enumerated() {
            let register = (pointer + offset) % registers.count
            // Writing a port writes its latch; flags and captures cannot be written.
            switch register {
            case 0x12, 0x13: registers[register + 2] = byte
            case 0x0E...0x11: break
            default: registers[register] = byte
            }
        }
        note(at: now)
        return true
    }

    /// Registers from the pointer on.
    public func send(_ count: Int, at now: Instant) -> [UInt8]? {
        (0..<count).map { registers[(pointer + $0) % registers.count] }
    }

    private func note(at now: Instant) {
        if history.last.map({ $0.levels == levels }) ?? false { return }
        history.append((now, levels))
    }
}
