import CGPIO

/// What GPIO chips say of themselves. No line is requested, so none changes.
public enum GPIOCatalog {
    /// Lines of a chip looked at, at most.
    private static let lineLimit = 1_024

    /// Label, and the names of the lines by their offsets (empty: no name), of the chip at
    /// `device`, e.g. `/dev/gpiochip0`.
    public static func chip(
        device: String
    ) throws(WorldError) -> (label: String, lines: [String]) {
        var chip: OpaquePointer?
        let opened = cgpio_chip_open_device(device, &chip)
        guard opened >= 0, let chip else { throw .of(opened, "open", device) }
        defer { cgpio_chip_close(chip) }
        var room = [CChar](repeating: 0, count: 64)
        let count = cgpio_chip_describe(chip, &room, room.count)
        guard count >= 0 else { throw .of(count, "describe", device) }
        let label = text(room)
        var lines: [String] = []
        for offset in 0..<min(Int(count), lineLimit) {
            let result = cgpio_line_name(chip, UInt32(offset), &room, room.count)
            lines.append(result >= 0 ? text(room) : "")
        }
        return (label, lines)
    }

    private static func text(_ room: [CChar]) -> String {
        String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
