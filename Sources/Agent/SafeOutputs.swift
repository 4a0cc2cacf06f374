import Configuration
import Instruments
import Quantities
import World

/// The part of `SafeState` that has no protocol: lines of the board and of expanders.
enum SafeOutputs {
    /// Operations an expander gets before it is given up: twice what its set-up takes.
    private static let operationLimit = 16

    /// Takes every output at its safe level and switches steppers off, line by line: what one
    /// cannot have must not keep the others from theirs.
    static func setLines(
        _ settings: Settings, _ world: any World, _ results: inout [SafeState.Result]
    ) -> [any OutputLines] {
        var held: [any OutputLines] = []
        for (name, line) in lines(settings) {
            let start = world.now
            do throws(WorldError) {
                held.append(try world.openOutputs([line]))
                note(name, nil, world.now - start, &results)
            } catch {
                note(name, "\(error)", world.now - start, &results)
            }
        }
        return held
    }

    /// The lines of the board with their safe levels.
    private static func lines(_ settings: Settings) -> [(String, OutputLineSettings)] {
        let outputs = settings.outputs.filter { $0.expander.isEmpty }.map {
            (
                $0.name,
                OutputLineSettings(
                    chipLabel: $0.chipLabel, line: $0.line, activeLow: $0.activeLow,
                    safeLevel: $0.safePowered)
            )
        }
        // Without current a stepper stands, whatever its step line does.
        let steppers = settings.pumps.filter { $0.dialect == .stepper }.map {
            (
                $0.name,
                OutputLineSettings(
                    chipLabel: $0.port, line: $0.stepper.enableLine,
                    activeLow: $0.stepper.enableActiveLow, safeLevel: false)
            )
        }
        return steppers + outputs
    }

    /// Writes every expander's safe levels and reads them back.
    static func setExpanders(
        _ settings: Settings, _ world: any World, _ results: inout [SafeState.Result]
    ) {
        for expander in settings.expanders {
            let start = world.now
            var mask: UInt16 = 0
            var levels: UInt16 = 0
            for output in settings.outputs where output.expander == expander.name {
                guard let bit = ExpanderSettings.lines.firstIndex(of: output.line) else { continue }
                mask |= 1 << UInt16(bit)
                if output.safePowered != output.activeLow { levels |= 1 << UInt16(bit) }
            }
            var chip = MCP23017(outputs: mask, safeLevels: levels, period: expander.period)
            var why: String? = "its registers do not hold what was written"
            do throws(WorldError) {
                let device = try world.openI2C(
                    bus: expander.bus, address: UInt8(truncatingIfNeeded: expander.address))
                for _ in 0..<operationLimit where chip.confirmed == nil {
                    chip.finish(.done(try perform(chip.operation, on: device)), at: world.now)
                }
                device.close()
                if chip.confirmed == levels & mask { why = nil }
            } catch { why = "\(error)" }
            note(expander.name, why, world.now - start, &results)
        }
    }

    private static func perform(
        _ operation: BusOperation, on device: any I2CDevice
    ) throws(WorldError) -> [UInt8] {
        switch operation {
        case .readByte(let register): return [try device.readByte(from: register)]
        case .writeByte(let register, let value): try device.writeByte(value, to: register)
        case .readBlock(let register, let count):
            return try device.readBlock(from: register, count: count)
        case .writeBlock(let register, let bytes): try device.writeBlock(bytes, to: register)
        case .readWord(let register):
            let word = try device.readWord(from: register)
            return [UInt8(word >> 8), UInt8(word & 255)]
        case .writeWord(let register, let value): try device.writeWord(value, to: register)
        case .write(let bytes): try device.write(bytes)
        case .read(let count): return try device.read(count: count)
        }
        return []
    }

    private static func note(
        _ name: String, _ trouble: String?, _ took: TimeSpan, _ results: inout [SafeState.Result]
    ) {
        results.append(
            SafeState.Result(
                instrument: name, isSafe: trouble == nil,
                text: trouble.map { "not at its safe level: \($0)" } ?? "at its safe level",
                after: took))
    }
}
