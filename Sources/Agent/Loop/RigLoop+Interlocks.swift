import Configuration
import Instruments
import Quantities
import Rig
import World

/// Interlock inputs, and what is said to the pumps before anything else.
extension RigLoop {
    private static let interlockRetry = TimeSpan.seconds(1)

    /// Whether the interlock inputs are read, or the rig is safe because they cannot be.
    var isWatchingInterlocks: Bool {
        settings.interlocks.isEmpty || interlocks != nil || controller.state == .safe
    }

    /// Reads the interlock inputs; those that cannot be read count as danger.
    func watchInterlocks(at now: Instant) {
        guard !settings.interlocks.isEmpty else { return }
        do {
            if interlocks == nil {
                guard now >= interlocksRetryAt else { return }
                interlocksRetryAt = now + Self.interlockRetry
                interlocks = try world.openInputs(
                    settings.interlocks.map {
                        InputLineSettings(
                            chipLabel: $0.chipLabel, line: $0.line, activeLow: $0.activeLow,
                            debounce: $0.debounce)
                    })
                if interlocks?.debounces == false {
                    let text = "the kernel does not debounce here: every bounce counts"
                    tell(.report(.event(kind: "interlock", text: .text(text))), at: now)
                }
                for index in settings.interlocks.indices {
                    let level = try interlocks?.level(index)
                    controller.interlock(index, danger: level, at: now)
                }
            }
            edges.removeAll(keepingCapacity: true)
            try interlocks?.readEdges(into: &edges)
            for edge in edges {
                if edge.level { stopAhead(of: .interlock, edge.index, at: now) }
                controller.interlock(edge.index, danger: edge.level, at: now)
            }
        } catch {
            interlocks?.close()
            interlocks = nil
            tell(.report(.event(kind: "interlock", text: "\(error)")), at: now)
            for index in settings.interlocks.indices {
                controller.interlock(index, danger: nil, at: now)
            }
        }
    }

    /// Tells every pump to stop where the table demands that because of `hazard`, before the
    /// controller is asked. Its own stop follows in the same turn, with all that belongs to it:
    /// code that ran last a minute ago and has left every cache, so that working it out takes
    /// some 40 us. What a person waits for is the pumps.
    func stopAhead(of hazard: Hazard, _ index: Int, at now: Instant) {
        guard controller.wouldStopAll(hazard, index) else { return }
        for pump in settings.pumps.indices { send(.stopped, to: pump, at: now) }
    }
}
