import Configuration
import Quantities
import Rig
import World

/// The outputs of the configuration: lines of the board, held by this process, and lines of
/// expanders, whose levels go to their bus.
final class OutputBoard {
    private static let retryPeriod = TimeSpan.seconds(1)

    private let outputs: [OutputSettings]
    private let world: any World
    /// Which outputs are lines of the board, in the order of the request.
    private let onBoard: [Int]
    /// Expander and bit of each output that is on one.
    private let latches: [(output: Int, expander: Int, bit: UInt16)]
    private var lines: (any OutputLines)?
    private var retryAt = Instant.zero
    private var refusal: WorldError?
    /// Whether each has power, as it was set last.
    private(set) var powered: [Bool]
    private var words: [UInt16]
    /// What a person should know, once.
    private(set) var notice: String?

    init(_ settings: Settings, world: any World) {
        outputs = settings.outputs
        self.world = world
        onBoard = outputs.indices.filter { settings.outputs[$0].expander.isEmpty }
        latches = outputs.indices.compactMap { index in
            let output = settings.outputs[index]
            guard
                let expander = settings.expanders.firstIndex(where: { $0.name == output.expander }),
                let bit = ExpanderSettings.lines.firstIndex(of: output.line)
            else { return nil }
            return (index, expander, UInt16(1) << UInt16(bit))
        }
        powered = outputs.map(\.safePowered)
        words = Array(repeating: 0, count: settings.expanders.count)
    }

    func takeNotice() -> String? {
        defer { notice = nil }
        return notice
    }

    /// Whether the board's lines are held; true where there are none.
    var isHeld: Bool { onBoard.isEmpty || lines != nil }

    var deadline: Instant { isHeld ? .distantFuture : retryAt }

    /// Gives every output what `controller` says.
    func follow(_ controller: RigController, sensors: (any SensorSource)?, at now: Instant) {
        if !isHeld { open(at: now) }
        var isChanged = false
        for index in outputs.indices {
            let wanted = controller.isPowered(outputs[index])
            guard wanted != powered[index] else { continue }
            powered[index] = wanted
            isChanged = true
            set(index, at: now)
        }
        if isChanged || notSent { send(to: sensors) }
    }

    /// Expanders were never told their levels.
    private var notSent = true

    private func open(at now: Instant) {
        guard now >= retryAt else { return }
        retryAt = now + Self.retryPeriod
        do throws(WorldError) {
            lines = try world.openOutputs(
                onBoard.map { index in
                    let output = outputs[index]
                    return OutputLineSettings(
                        chipLabel: output.chipLabel, line: output.line,
                        activeLow: output.activeLow, safeLevel: output.safePowered)
                })
            refusal = nil
            for index in onBoard where powered[index] != outputs[index].safePowered {
                set(index, at: now)
            }
        } catch {
            if refusal != error { notice = "outputs: \(error)" }
            refusal = error
        }
    }

    private func set(_ index: Int, at now: Instant) {
        guard let place = onBoard.firstIndex(of: index), let lines else { return }
        do throws(WorldError) { try lines.set(place, to: powered[index]) } catch {
            notice = "output \(outputs[index].name): \(error)"
            lines.close()
            self.lines = nil
            retryAt = now + Self.retryPeriod
        }
    }

    private func send(to sensors: (any SensorSource)?) {
        guard let sensors else { return }
        notSent = false
        for expander in words.indices { words[expander] = 0 }
        for entry in latches where powered[entry.output] != outputs[entry.output].activeLow {
            words[entry.expander] |= entry.bit
        }
        for expander in words.indices { sensors.setLevels(words[expander], expander: expander) }
    }

    /// Puts every line of the board at its safe level and gives it back to the kernel.
    func close() {
        guard let lines else { return }
        for (place, index) in onBoard.enumerated() {
            try? lines.set(place, to: outputs[index].safePowered)
        }
        lines.close()
        self.lines = nil
    }
}
