import CGPIO
import Glibc
import Quantities

private let consumer = "argent"

/// An open chip and the offsets of the lines wanted on it.
private struct ChipGroup {
    var chip: OpaquePointer
    var label: String
    var members: [(place: Int, offset: UInt32)]
}

/// Where a line of a request ended up: which kernel request, and its index there.
private struct LinePlace {
    var request: OpaquePointer
    var index: UInt32
}

private func openChip(_ label: String) throws(WorldError) -> OpaquePointer {
    var chip: OpaquePointer?
    let result = cgpio_chip_open(label, &chip)
    if result >= 0, let chip { return chip }
    let name = "GPIO chip \"\(label)\""
    if result == -ENODEV {
        throw .absent(
            name: name,
            hint: "there is no /dev/gpiochip* at all: is this the board, and is its kernel "
                + "built with the GPIO character device?")
    }
    throw .of(result, "open", name, hint: result == -ENOENT ? "list labels: gpiodetect" : nil)
}

/// Opens every chip named once and finds the lines; on an error nothing stays open.
private func group(_ lines: [(label: String, line: String)]) throws(WorldError) -> [ChipGroup] {
    var groups: [ChipGroup] = []
    do throws(WorldError) {
        for (place, wanted) in lines.enumerated() {
            var at = groups.firstIndex { $0.label == wanted.label }
            if at == nil {
                groups.append(
                    ChipGroup(
                        chip: try openChip(wanted.label), label: wanted.label, members: []))
                at = groups.count - 1
            }
            guard let at else { continue }
            let offset = cgpio_find_line(groups[at].chip, wanted.line)
            guard offset >= 0 else {
                throw .of(
                    offset, "find line", "GPIO line \(wanted.line) of \"\(wanted.label)\"",
                    hint: "list the lines with: gpioinfo")
            }
            groups[at].members.append((place, UInt32(offset)))
        }
    } catch {
        for group in groups { cgpio_chip_close(group.chip) }
        throw error
    }
    return groups
}

/// The requests behind a list of lines, one per chip.
private struct Holdings {
    var chips: [OpaquePointer] = []
    var requests: [OpaquePointer] = []
    /// By index in the caller's order.
    var places: [LinePlace?] = []

    mutating func release() {
        for request in requests { cgpio_release(request) }
        for chip in chips { cgpio_chip_close(chip) }
        self = Holdings()
    }

    mutating func add(_ group: ChipGroup, _ request: OpaquePointer) {
        requests.append(request)
        for (index, member) in group.members.enumerated() {
            places[member.place] = LinePlace(request: request, index: UInt32(index))
        }
    }

    static func make(
        _ lines: [(label: String, line: String)],
        request: (ChipGroup, inout OpaquePointer?) -> Int32
    ) throws(WorldError) -> Holdings {
        let groups = try group(lines)
        var held = Holdings()
        held.places = Array(repeating: nil, count: lines.count)
        held.chips = groups.map(\.chip)
        for group in groups {
            var made: OpaquePointer?
            let result = request(group, &made)
            guard result >= 0, let made else {
                held.release()
                throw .of(
                    result, "request lines", "GPIO chip \"\(group.label)\"",
                    hint: result == -EBUSY ? "see who holds a line with: gpioinfo" : nil)
            }
            held.add(group, made)
        }
        return held
    }

    func place(_ index: Int) throws(WorldError) -> LinePlace {
        guard places.indices.contains(index), let place = places[index] else {
            throw .gone(name: "GPIO line \(index)")
        }
        return place
    }
}

/// Output lines of the kernel.
final class RealOutputLines: OutputLines {
    private var held = Holdings()

    init(_ lines: [OutputLineSettings]) throws(WorldError) {
        held = try Holdings.make(lines.map { ($0.chipLabel, $0.line) }) { group, made in
            let outputs = group.members.map { member in
                cgpio_output(
                    offset: member.offset, active_low: lines[member.place].activeLow ? 1 : 0,
                    level: lines[member.place].safeLevel ? 1 : 0)
            }
            return cgpio_request_outputs(group.chip, consumer, outputs, outputs.count, &made)
        }
    }

    deinit { held.release() }

    func set(_ index: Int, to level: Bool) throws(WorldError) {
        let place = try held.place(index)
        let result = cgpio_set(place.request, place.index, level ? 1 : 0)
        guard result >= 0 else { throw .of(result, "set", "GPIO line \(index)") }
    }

    func close() { held.release() }
}

/// Input lines of the kernel.
final class RealInputLines: InputLines, Pollable {
    private static let eventsPerRead = 64
    private var held = Holdings()
    private weak var world: RealWorld?
    private var events = Array(repeating: cgpio_event(), count: eventsPerRead)
    let debounces: Bool

    init(_ lines: [InputLineSettings], world: RealWorld) throws(WorldError) {
        let able = cgpio_capabilities() & UInt32(cgpio_can_debounce.rawValue) != 0
        debounces = able || lines.allSatisfy { $0.debounce.nanoseconds <= 0 }
        self.world = world
        held = try Holdings.make(lines.map { ($0.chipLabel, $0.line) }) { group, made in
            let inputs = group.members.map { Self.settings(lines[$0.place], $0.offset) }
            return cgpio_request_inputs(group.chip, consumer, inputs, inputs.count, &made)
        }
    }

    deinit { held.release() }

    private static func settings(_ line: InputLineSettings, _ offset: UInt32) -> cgpio_input {
        let bias: cgpio_bias =
            switch line.bias {
            case .asIs: cgpio_bias_as_is
            case .up: cgpio_bias_up
            case .down: cgpio_bias_down
            case .none: cgpio_bias_none
            }
        return cgpio_input(
            offset: offset, active_low: line.activeLow ? 1 : 0, bias: bias,
            debounce_us: UInt(max(0, line.debounce.nanoseconds / 1000)))
    }

    var pollDescriptors: [Int32] {
        var all: [Int32] = []
        for request in held.requests {
            var some = [Int32](repeating: -1, count: Int(cgpio_lines_limit))
            let count = cgpio_descriptors(request, &some, some.count)
            if count > 0 { all += some.prefix(Int(count)) }
        }
        return all
    }

    func noteInput() {}

    func hungUp() {}

    func level(_ index: Int) throws(WorldError) -> Bool {
        let place = try held.place(index)
        let result = cgpio_get(place.request, place.index)
        guard result >= 0 else { throw .of(result, "read", "GPIO line \(index)") }
        return result > 0
    }

    func readEdges(into edges: inout [EdgeEvent]) throws(WorldError) {
        let first = edges.count
        for request in held.requests {
            let count = cgpio_read_events(request, &events, events.count)
            guard count >= 0 else { throw .of(count, "read edges", "GPIO lines") }
            for event in events.prefix(Int(count)) {
                let index = held.places.firstIndex {
                    $0?.request == request && $0?.index == event.index
                }
                guard let index else { continue }
                let at = Instant(nanoseconds: event.monotonic_ns)
                edges.append(EdgeEvent(index: index, level: event.level != 0, at: at))
            }
        }
        // With libgpiod 1.6 every line has its own queue.
        if edges.count - first > 1 { edges[first...].sort { $0.at < $1.at } }
    }

    func close() {
        world?.unregister(self)
        held.release()
    }
}
