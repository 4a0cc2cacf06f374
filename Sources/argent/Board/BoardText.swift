import Agent
import Configuration

/// The facts of a board for people.
enum BoardText {
    /// Everything that is found without touching a bus.
    static func text(_ board: BoardFacts) -> String {
        var text = "board: \(board.model)\n"
        text += "\nGPIO chips ([[interlock]], [[output]], [heartbeat]: chip_label and line)\n"
        for chip in board.chips {
            text += "  \(chip.name): label \"\(chip.label)\", \(chip.lines.count) lines"
            text += chip.trouble.isEmpty ? "\n" : "; \(chip.trouble)\n"
            text += names(chip.lines)
        }
        if board.chips.isEmpty { text += "  none\n" }
        text += "\nI2C buses ([[sensor]]: bus)\n"
        for bus in board.buses {
            text += "  /dev/i2c-\(bus.number): \(bus.name)"
            text += bus.hasDevice ? "\n" : "; no device: load the module i2c-dev\n"
        }
        if board.buses.isEmpty { text += "  none\n" }
        text += "\nserial lines ([[pump]], [spectrometer]: port)\n"
        for line in board.lines {
            text += "  /dev/\(line.name)\(line.about.isEmpty ? "" : ": " + line.about)\n"
            for link in line.links { text += "    \(link)\n" }
        }
        if board.lines.isEmpty { text += "  none\n" }
        return plainLines(text + watchdogs(board.tree) + limits(board.tree))
    }

    /// Named lines, as many in a row as fit.
    private static func names(_ lines: [String]) -> String {
        var text = ""
        var row = "   "
        for (offset, name) in lines.enumerated() where !name.isEmpty {
            let item = " \(offset)=\(name)"
            if row.count + item.count > 96 {
                text += row + "\n"
                row = "   "
            }
            row += item
        }
        return row.count > 3 ? text + row + "\n" : text
    }

    private static func watchdogs(_ tree: BoardTree) -> String {
        var text = "\nwatchdogs\n"
        let top = "/sys/class/watchdog"
        let names = tree.names(top).sorted(by: byNumber)
        for name in names {
            func fact(_ file: String) -> String { tree.line("\(top)/\(name)/\(file)") ?? "?" }
            text += "  /dev/\(name): \(fact("identity")), \(fact("timeout")) s, "
            text += "\(fact("state")), nowayout \(fact("nowayout"))\n"
        }
        return names.isEmpty ? text + "  none\n" : text
    }

    private static func limits(_ tree: BoardTree) -> String {
        var text = "\nreal time\n"
        let version = tree.line("/proc/sys/kernel/version") ?? ""
        let isRealtime =
            tree.line("/sys/kernel/realtime") == "1" || version.holds("PREEMPT_RT")
        text += "  kernel \(tree.line("/proc/sys/kernel/osrelease") ?? "?"), "
        text += isRealtime ? "PREEMPT_RT\n" : "without PREEMPT_RT\n"
        for (file, what) in [
            ("/sys/devices/system/cpu/online", "processors"),
            ("/sys/devices/system/cpu/isolated", "isolated (isolcpus)"),
            ("/sys/devices/virtual/workqueue/cpumask", "the kernel's workers may use (mask)"),
            ("/proc/sys/kernel/sched_rt_runtime_us", "real-time share, us per second"),
        ] {
            text += "  \(what): \(tree.line(file) ?? "none")\n"
        }
        for line in (tree.text("/proc/self/limits") ?? "").split(separator: "\n") {
            let isWanted = ["Max realtime priority", "Max locked memory"].contains {
                line.hasPrefix($0)
            }
            if isWanted { text += "  \(line)\n" }
        }
        return text
    }

    /// Without what could command a terminal: names come from devices.
    static func plainLines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { plain(String($0)) }
            .joined(separator: "\n")
    }
}
