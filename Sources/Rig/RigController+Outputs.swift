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

    /// Whether `output` shall have power now. In the safe state it has its safe level.
    public func isPowered(_ output: OutputSettings) -> Bool {
        guard state != .safe else { return output.safePowered }
        switch output.rule {
        case .flowing: return output.isPowered(on: mayFlow)
        case .lit: return output.isPowered(on: isLit)
        case .awake: return output.isPowered(on: true)
        case .never: return output.isPowered(on: false)
        }
    }
}
