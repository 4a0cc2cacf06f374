import Quantities

/// Something that keeps the rig in its safe state.
public struct Fault: Equatable, Sendable {
    /// The hazards the rig watches.
    public enum Hazard: Equatable, Sendable {
        /// An instrument does not answer, or its line is gone.
        case lost(instrument: String)
        /// A pump stopped by itself.
        case alarm(instrument: String)
        /// A pump's state was not confirmed for too long while it should run.
        case stale(instrument: String)
        /// Pumps did not take up their setpoints in time.
        case disobedient
        /// No spectra while acquiring.
        case blind
        /// An interlock input says danger, or cannot be read.
        case interlock(name: String)
        /// Dark or reference could not be taken.
        case reference
        /// Records cannot be written.
        case log
        /// A step of the start sequence took too long.
        case step
    }
    /// What kind.
    public var hazard: Hazard
    /// For the person who has to act: what happened and what to look at.
    public var text: String
    /// Whether it stays until an operator clears it.
    public var latching: Bool
    /// Whether the cause is still there. A fault that is active cannot be cleared.
    public var active: Bool
    /// When it came up.
    public var since: Instant

    /// A short name of the hazard for logs and programs.
    public var kind: String {
        switch hazard {
        case .lost: "instrument-lost"
        case .alarm: "pump-alarm"
        case .stale: "stale-reading"
        case .disobedient: "pump-disobedient"
        case .blind: "no-spectra"
        case .interlock: "interlock"
        case .reference: "reference"
        case .log: "log"
        case .step: "step-time"
        }
    }
}

/// The faults that keep the rig safe, at most one per hazard.
public struct Faults: Equatable, Sendable {
    /// All of them, oldest first.
    public private(set) var all: [Fault] = []

    /// No faults.
    public init() {}

    /// Whether nothing keeps the rig from running.
    public var isEmpty: Bool { all.isEmpty }

    /// Raises `fault`, or renews the one with the same hazard. True when it is new.
    public mutating func raise(_ fault: Fault) -> Bool {
        if let index = all.firstIndex(where: { $0.hazard == fault.hazard }) {
            all[index].active = fault.active
            all[index].text = fault.text
            return false
        }
        all.append(fault)
        return true
    }

    /// The cause of `hazard` is gone: a fault that does not latch goes with it.
    public mutating func recover(_ hazard: Fault.Hazard) {
        guard let index = all.firstIndex(where: { $0.hazard == hazard }) else { return }
        all[index].active = false
        if !all[index].latching { all.remove(at: index) }
    }

    /// Clears every fault whose cause is gone; returns those that cannot be cleared yet.
    public mutating func clear() -> [Fault] {
        all.removeAll { !$0.active }
        return all
    }
}
