import Configuration
import Rig

/// What happened in all storms together: a storm in which nothing fires proves nothing.
final class StormTally {
    /// Things that were done to rigs.
    var events = 0
    /// Times the process was started anew.
    var restarts = 0
    /// Faults, by hazard.
    private var faults: [Hazard: Int] = [:]
    /// Faults, by what was done.
    private var reactions: [Reactions: Int] = [:]
    private(set) var droplets = 0
    private var conditions = 0
    private(set) var storms = 0
    private(set) var stormsWithChemistry = 0
    private var dropletsBefore = 0

    func beginStorm() { dropletsBefore = droplets }

    func endStorm() {
        storms += 1
        if droplets > dropletsBefore { stormsWithChemistry += 1 }
    }

    func note(_ report: RigReport) {
        switch report {
        case .fault(let fault):
            faults[fault.hazard, default: 0] += 1
            reactions[fault.reactions, default: 0] += 1
        case .droplet: droplets += 1
        case .conditionEnded(_, .complete): conditions += 1
        default: break
        }
    }

    /// Faults that came up, each with how often.
    var hazards: [String: Int] {
        Dictionary(uniqueKeysWithValues: faults.map { ($0.rawValue, $1) })
    }

    /// Some lines for people.
    var text: String {
        let list = Hazard.allCases.compactMap { hazard in
            faults[hazard].map { "\(hazard.rawValue) \($0)" }
        }
        return "\(events) events, \(restarts) restarts, \(faults.values.reduce(0, +)) faults of "
            + "\(faults.count) hazards with \(reactions.count) different reactions; chemistry "
            + "in \(stormsWithChemistry) of \(storms) storms: \(conditions) conditions, "
            + "\(droplets) droplets\n  \(list.joined(separator: ", "))"
    }
}
