import Configuration
import Quantities

/// What outputs follow.
extension RigController {
    /// Whether the spectrometer's plan has the lamp on.
    public var isLit: Bool { plan?.lampOn ?? false }

    /// Whether liquid may flow: a pump was told to run, or has not said yet that it stands still.
    /// A valve that closed sooner would leave a pump pushing against it.
    public var mayFlow: Bool {
        for rate in commanded where rate > .zero { return true }
        return !isAtRest
    }

    /// Whether nothing is commanded where nothing must be: what a watchdog relay may rely on.
    public var isCoherent: Bool {
        switch state {
        case .safe, .held, .connecting: commanded.allSatisfy { $0 == .zero }
        default: true
        }
    }

    /// Whether `output` shall have power now. It has its safe level as long as that is demanded,
    /// and in the safe state as soon as nothing flows.
    public func isPowered(_ output: OutputSettings) -> Bool {
        let isLight = output.kind == .lamp
        if demanded.contains(isLight ? .lampOff : .valvesSafe) { return output.safePowered }
        if state == .safe, !isLight, !mayFlow { return output.safePowered }
        switch output.rule {
        case .flowing: return output.isPowered(on: mayFlow)
        case .lit: return output.isPowered(on: isLit)
        case .awake: return output.isPowered(on: state != .safe)
        case .never: return output.isPowered(on: false)
        }
    }
}
