import World

/// What a board has, as far as files and the GPIO chips tell, without touching any line or bus.
struct BoardFacts {
    /// A GPIO chip.
    struct Chip: Equatable {
        /// Its device, `gpiochip0`.
        var name: String
        /// The label by which a configuration calls it.
        var label: String
        /// The names of its lines by offset; empty: the line has none.
        var lines: [String]
        /// Why the lines are not known; empty when they are.
        var trouble = ""
    }
    /// An I2C bus.
    struct Bus: Equatable {
        /// Its number.
        var number: Int
        /// What the kernel calls the adapter.
        var name: String
        /// Whether there is a device to open.
        var hasDevice: Bool
    }
    /// A serial line.
    struct Line: Equatable {
        /// Its device, `ttyUSB0`.
        var name: String
        /// Names for it that stay: first those by serial number, then those by port.
        var links: [String]
        /// What is at its other end, by USB: maker, product, serial number.
        var about: String
    }

    let tree: BoardTree
    let model: String
    let chips: [Chip]
    let buses: [Bus]
    let lines: [Line]

    /// Looks at `tree`.
    init(_ tree: BoardTree) {
        self.tree = tree
        model =
            tree.strings("/proc/device-tree/model").first
            ?? tree.strings("/sys/firmware/devicetree/base/model").first
            ?? tree.line("/sys/class/dmi/id/product_name") ?? "unknown"
        chips = Self.chips(tree)
        buses = Self.buses(tree)
        lines = Self.lines(tree)
    }

    // MARK: - GPIO

    private static func chips(_ tree: BoardTree) -> [Chip] {
        let devices = tree.names("/dev").filter { $0.hasPrefix("gpiochip") }.sorted(by: byNumber)
        if tree.isLive { return devices.map(live) }
        let known = tree.names("/sys/bus/gpio/devices").filter { $0.hasPrefix("gpiochip") }
        return known.sorted(by: byNumber).map { name in
            let place = "/sys/bus/gpio/devices/" + name
            // The old sysfs interface, which numbers chips by their first line, has the labels.
            let label =
                tree.line(place + "/label") ?? legacyLabel(tree, place)
                ?? tree.line(place + "/of_node/name") ?? "unknown"
            return Chip(
                name: name, label: label, lines: tree.strings(place + "/of_node/gpio-line-names"))
        }
    }

    private static func legacyLabel(_ tree: BoardTree, _ place: String) -> String? {
        let old = tree.names(place + "/../gpio").filter { $0.hasPrefix("gpiochip") }
        return old.compactMap { tree.line(place + "/../gpio/" + $0 + "/label") }.first
    }

    private static func live(_ name: String) -> Chip {
        do throws(WorldError) {
            let found = try GPIOCatalog.chip(device: "/dev/" + name)
            return Chip(name: name, label: found.label, lines: found.lines)
        } catch { return Chip(name: name, label: "unknown", lines: [], trouble: "\(error)") }
    }

    // MARK: - I2C

    private static func buses(_ tree: BoardTree) -> [Bus] {
        let top = "/sys/bus/i2c/devices"
        return tree.names(top).filter { $0.hasPrefix("i2c-") }.sorted(by: byNumber).compactMap {
            guard let number = Int($0.dropFirst(4)) else { return nil }
            return Bus(
                number: number, name: tree.line("\(top)/\($0)/name") ?? "unknown",
                hasDevice: tree.exists("/dev/" + $0))
        }
    }

    // MARK: - Serial lines

    /// Drivers of lines that instruments hang on.
    private static let kinds = [
        "ttyUSB", "ttyACM", "ttyAMA", "ttySC", "ttySTM", "ttyO", "ttymxc", "ttyS",
    ]

    private static func lines(_ tree: BoardTree) -> [Line] {
        var links: [String: [String]] = [:]
        for folder in ["by-id", "by-path"] {
            for name in tree.names("/dev/serial/" + folder) {
                let path = "/dev/serial/\(folder)/\(name)"
                guard let end = tree.link(path)?.split(separator: "/").last else { continue }
                links[String(end), default: []].append(path)
            }
        }
        let names = tree.names("/sys/class/tty").filter { name in
            kinds.contains { name.hasPrefix($0) && Int(name.dropFirst($0.count)) != nil }
        }
        return names.sorted(by: byNumber).compactMap { name in
            let place = "/sys/class/tty/" + name
            // 8250 drivers offer places where no chip is: those have type 0 and no chip behind.
            if name.hasPrefix("ttyS"), !name.hasPrefix("ttySC"), tree.line(place + "/type") == "0" {
                return nil
            }
            return Line(name: name, links: links[name] ?? [], about: about(tree, place))
        }
    }

    /// The USB device is some directories above that of the line.
    private static func about(_ tree: BoardTree, _ place: String) -> String {
        var path = place + "/device"
        for _ in 0..<4 {
            if tree.exists(path + "/idVendor") {
                let parts = ["manufacturer", "product", "serial"].map { tree.line("\(path)/\($0)") }
                return zip(parts, ["", "", "serial number "]).compactMap { part, title in
                    part.map { title + $0 }
                }.joined(separator: " ")
            }
            path += "/.."
        }
        return ""
    }
}
