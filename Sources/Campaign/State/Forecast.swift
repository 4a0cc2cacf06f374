/// What a network foresees of a condition.
public struct Forecast: Equatable, Sendable {
    /// Absorbance on the loss grid.
    public var spectrum: [Float]
    /// How far such a forecast usually is from a droplet, |A − forecast| / |forecast|.
    public var spread: Double
}

extension Campaign {
    /// What the network of its run foresees of condition `number`; nil where there is none.
    public func forecast(of number: Int) -> Forecast? {
        guard conditions.indices.contains(number - 1) else { return nil }
        let run = conditions[number - 1].run
        guard let decision = decisions.first(where: { $0.run == run }),
            let first = conditions.firstIndex(where: { $0.run == run }),
            decision.expected.indices.contains(number - 1 - first), decision.expectedSpread > 0
        else { return nil }
        return Forecast(
            spectrum: decision.expected[number - 1 - first], spread: decision.expectedSpread)
    }
}
