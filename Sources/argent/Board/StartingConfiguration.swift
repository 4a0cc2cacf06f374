import Agent
import Configuration

/// A configuration to start from, with what was found on a board. What only the person at the
/// rig knows is left out and marked, so that `argent check` names each of these gaps.
enum StartingConfiguration {
    /// What a line says where a value is missing.
    static let gap = "FILL IN"
    private static let mark = "# \(gap):"

    /// How many values are missing in `text`.
    static func gaps(in text: String) -> Int {
        text.split(separator: "\n").filter {
            $0.hasPrefix(mark) || $0.hasPrefix("syringe = \"\(gap)")
        }.count
    }

    /// The text.
    static func text(_ board: BoardFacts, answering: [I2CScan.Found]) -> String {
        var text = """
            # Made by `argent probe` on: \(plain(board.model))
            # Fill in what is marked \(gap), then: argent check THIS-FILE
            # More keys and what they mean: board/argent.example.toml

            [campaign]
            name = "first campaign"

            [recipe]
            solvent = "solvent"
            oil = "oil"

            [[variable]]
            name = "Q_reagent"
            kind = "reagent"            # share of the aqueous flow
            pump = "reagent"
            bounds = ["4 %", "40 %"]

            [[variable]]
            name = "Q_tot"
            kind = "total flow"
            bounds = ["200 uL/min", "1000 uL/min"]


            """
        // Lines with a name that stays are adapters, on which instruments hang most often.
        let lines =
            (board.lines.filter { !$0.links.isEmpty }
            + board.lines.filter { $0.links.isEmpty }).map(port)
        for (address, name) in ["reagent", "solvent", "oil"].enumerated() {
            text += """
                [[pump]]
                name = "\(name)"
                dialect = "new-era"         # or "harvard", "legato", "phd-ultra", "stepper"
                \(mark) port = "…"       # \(choices(lines))
                address = \(address)                 # as set on the pump
                syringe = "\(gap)"     # "BD 10 mL" or { diameter = "14.4 mm", volume = "10 mL" }


                """
        }
        text += """
            [spectrometer]
            \(mark) port = "…"       # \(choices(lines))


            """
        text += interlock(board) + sensors(answering)
        return text
    }

    /// The name of a line that stays when cables are moved, where there is one.
    private static func port(_ line: BoardFacts.Line) -> String {
        plain(line.links.first ?? "/dev/" + line.name)
    }

    private static func choices(_ found: [String]) -> String {
        found.isEmpty ? "no serial line was found" : "found: " + found.joined(separator: " ")
    }

    private static func interlock(_ board: BoardFacts) -> String {
        // The chip of the header is the one whose lines have names; most names count most.
        let chip = board.chips.filter { $0.label != "unknown" }.max { a, b in
            a.lines.filter { !$0.isEmpty }.count < b.lines.filter { !$0.isEmpty }.count
        }
        guard let chip else { return "# No GPIO chip was found: no interlock can be read.\n\n" }
        return """
            # An emergency stop that opens a contact; see board/SAFETY.md for the wiring.
            [[interlock]]
            name = "emergency stop"
            chip_label = "\(plain(chip.label).filter { $0 != "\"" && $0 != "\\" })"
            \(mark) line = "…"       # a name or an offset of `argent probe`
            active_low = true           # a cut wire counts as pressed


            """
    }

    /// Chips that answered, as comments: an address may belong to several kinds.
    private static func sensors(_ found: [I2CScan.Found]) -> String {
        var text = ""
        for one in found {
            text += "# Bus /dev/i2c-\(one.bus), address \(hex(one.address)) answers: "
            text += one.candidates.joined(separator: " or ") + "\n"
        }
        return text.isEmpty
            ? "" : "# [[sensor]] with chip, bus and address, if these are yours:\n" + text
    }

    static func hex(_ address: Int) -> String { "0x" + String(address, radix: 16) }
}
