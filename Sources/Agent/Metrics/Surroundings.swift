import Export
import Quantities
import RunLog
import World

/// What surrounds the rig: the log's room on the disk, the board, the process.
public struct Surroundings: Equatable, Sendable {
    /// One thermometer of the board.
    public struct Zone: Equatable, Sendable {
        /// What it measures, by the kernel's name.
        public var name: String
        /// Its temperature, °C.
        public var celsius: Double
    }

    /// Bytes free on the log's file system; nil: it does not tell.
    public var freeBytes: UInt64?
    /// Bytes of the log.
    public var usedBytes: UInt64 = 0
    /// Sealed segments.
    public var sealed = 0
    /// Segments that are being written, or wait to be sealed.
    public var unsealed = 0
    /// Sealed segments that not every accepted workstation has; nil where nobody is served.
    public var unpulled: Int?
    /// The board's thermometers.
    public var zones: [Zone] = []
    /// Memory of this process that is in RAM, bytes; nil: not told.
    public var residentBytes: UInt64?

    /// Nothing known.
    public init() {}

    /// Thermometers looked at, at most.
    private static let zoneLimit = 16

    /// Looks at the log in `directory`, and at the machine. `isPulled` tells of sealed segments
    /// by number. Waits for the disk.
    init(directory: String, isPulled: ((UInt64) -> Bool)?) {
        freeBytes = (try? Files.space(directory))?.free
        for name in (try? Files.list(directory)) ?? [] {
            guard let kind = Self.kind(of: name) else { continue }
            usedBytes += (try? Files.size(of: directory + "/" + name)) ?? 0
            if kind.isSealed {
                sealed += 1
                if let isPulled, !isPulled(kind.number) { unpulled = (unpulled ?? 0) + 1 }
            } else {
                unsealed += 1
            }
        }
        if isPulled != nil, unpulled == nil { unpulled = 0 }
        zones = Self.thermalZones()
        residentBytes = Self.resident()
    }

    private static func kind(of name: String) -> (number: UInt64, isSealed: Bool)? {
        if let number = SegmentName.sealedNumber(name) { return (number, true) }
        return SegmentName.activeNumber(name).map { ($0, false) }
    }

    private static func thermalZones() -> [Zone] {
        let top = "/sys/class/thermal"
        let names = ((try? Files.list(top)) ?? []).filter { $0.hasPrefix("thermal_zone") }
        return names.prefix(zoneLimit).compactMap { name in
            guard let text = Files.line(top + "/" + name + "/temp"), let value = Double(text)
            else { return nil }
            let type = Files.line(top + "/" + name + "/type") ?? ""
            // Several zones may have the same type.
            return Zone(name: "\(name.dropFirst(12)):\(type)", celsius: value / 1_000)
        }
    }

    private static func resident() -> UInt64? {
        let fields = Files.line("/proc/self/statm")?.split(separator: " ") ?? []
        guard fields.count > 1, let pages = UInt64(fields[1]) else { return nil }
        return pages * UInt64(Memory.pageBytes)
    }

    func write(to json: inout JSONText) {
        json.member("free_bytes", freeBytes.map { Double($0) })
        json.member("log_bytes", Double(usedBytes))
        json.member("segments_sealed", sealed)
        json.member("segments_unsealed", unsealed)
        json.member("segments_unpulled", unpulled)
        json.member("resident_bytes", residentBytes.map { Double($0) })
        json.key("zones")
        json.array { list in
            for zone in zones {
                list.object {
                    $0.member("name", zone.name)
                    $0.member("celsius", zone.celsius)
                }
            }
        }
    }
}
