import Agent
import Configuration
import World

/// Which addresses of an I²C bus answer, of those that sensors Argent knows may have.
enum I2CScan {
    /// An address that answered.
    struct Found: Equatable {
        var bus: Int
        var address: Int
        /// What it may be.
        var candidates: [String]
        /// A driver of the kernel has it.
        var isDriven = false
    }

    /// The addresses, with what may be there.
    static var addresses: [(address: Int, candidates: [String])] {
        var known: [Int: [String]] = [:]
        for chip in SensorSettings.Chip.allCases {
            for address in chip.addresses { known[address, default: []].append(chip.rawValue) }
        }
        for address in 0x20...0x27 { known[address, default: []].append("mcp23017 (expander)") }
        return known.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    static func scan(_ bus: Int) throws(CommandFailure) -> [Found] {
        var found: [Found] = []
        for (address, candidates) in addresses {
            do throws(WorldError) {
                switch try I2CProbe.read("/dev/i2c-\(bus)", address: UInt8(address)) {
                case .silence: continue
                case .byte: found.append(Found(bus: bus, address: address, candidates: candidates))
                case .driver:
                    found.append(
                        Found(bus: bus, address: address, candidates: candidates, isDriven: true))
                }
            } catch { throw CommandFailure(.failure, "\(error)") }
        }
        return found
    }
}

/// `argent probe`: what this board has.
enum ProbeCommand {
    /// Buses asked in one call at most.
    private static let busLimit = 16

    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "probe", options: ["bus", "write", "root", "config"])
        let tree = BoardTree(root: arguments.values["root"] ?? "")
        let board = BoardFacts(tree)
        var found: [I2CScan.Found] = []
        var asked: [Int] = []
        if let text = arguments.values["bus"] {
            guard tree.isLive else {
                throw CommandFailure(.usage, "--bus asks real chips: leave --root out")
            }
            asked = try buses(text)
            let lock = try claim(arguments)
            defer { withExtendedLifetime(lock) {} }
            for bus in asked { found += try I2CScan.scan(bus) }
        }
        Output.raw(BoardText.text(board))
        Output.raw(scanText(found, asked: asked))
        Output.line(
            "\nWritten for boards by their documentation and tried on an emulated one only: "
                + "compare with what you see.")
        guard let path = arguments.values["write"] else { return }
        let text = StartingConfiguration.text(board, answering: found)
        let isNew: Bool
        do throws(WorldError) { isNew = try Files.create(path, with: Array(text.utf8)) } catch {
            throw CommandFailure(.failure, "\(error)")
        }
        guard isNew else {
            throw CommandFailure(.failure, "\(path) is there already: name another file")
        }
        let gaps = StartingConfiguration.gaps(in: text)
        Output.line("written: \(path); fill in \(gaps) values, then `argent check \(path)`")
    }

    private static func buses(_ text: String) throws(CommandFailure) -> [Int] {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }.filter { (0...999).contains($0) }
        guard numbers.count == parts.count, numbers.count <= busLimit else {
            throw CommandFailure(.usage, "--bus: numbers of buses, as in `1` or `1,3`")
        }
        return numbers
    }

    /// The lock of an agent: nobody asks chips between an agent's questions to them.
    private static func claim(_ arguments: Arguments) throws(CommandFailure) -> InstanceLock? {
        guard
            let path = try? ConfigurationFile.path(arguments, orSay: ""),
            let settings = try? ConfigurationFile(path: path).settings(),
            Files.exists(settings.log.directory)
        else { return nil }
        do throws(WorldError) {
            return try InstanceLock(path: settings.log.directory + "/lock")
        } catch {
            guard case .busy = error else { return nil }
            throw CommandFailure(
                .unavailable, "an agent runs and may use the bus: end it before --bus")
        }
    }

    private static func scanText(_ found: [I2CScan.Found], asked: [Int]) -> String {
        guard !asked.isEmpty else {
            return "\nNo I2C bus was asked: that puts addresses on the wires. `--bus N` does.\n"
        }
        var text = "\nI2C addresses that answer a read of one byte\n"
        for one in found {
            text += "  /dev/i2c-\(one.bus) \(StartingConfiguration.hex(one.address)): "
            text += one.candidates.joined(separator: " or ")
            text += one.isDriven ? "; a driver of the kernel has it\n" : "\n"
        }
        if found.isEmpty { text += "  none\n" }
        // Its answer to a read without a measurement under way is no acknowledgement.
        return text + "  (an SLF3S that was not started yet may be silent)\n"
    }
}
