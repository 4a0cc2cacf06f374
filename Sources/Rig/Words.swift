import Configuration
import Instruments
import Quantities
import Spectra

/// What is to be said of something, before anybody has put it in words. The rig's thread notes
/// the facts, which takes no memory; the words are made by whoever reads them (`description`).
public enum Words: Equatable, Sendable, ExpressibleByStringInterpolation,
    CustomStringConvertible
{
    /// Words that are there already.
    case text(String)
    /// Something about the instrument of this name.
    case instrument(name: String, what: HazardDetail)
    /// What a fault says of itself.
    case fault(Fault)
    /// What became of a fault that is over, or not any more what it was.
    case change(Fault, InterlockChange.Kind)
    /// The rate of `pump` was changed to fit what it can do.
    case adjusted(pump: String, asked: FlowRate, given: FlowRate)
    /// A condition gave too few droplets.
    case tooFewDroplets(got: Int, needed: Int, saturated: Int, limit: TimeSpan)
    /// A droplet was clipped.
    case clipped(maximumCount: Int)
    /// A droplet cannot be measured.
    case unmeasurable(SpectraError)
    /// A droplet of the reference was left out.
    case leftOut(SpectraError)
    /// How many droplets of a condition were flagged, of how many.
    case flagged(condition: Int, droplets: Int, neighbours: Int, network: Int)
    /// A run of droplets in a row was flagged.
    case flaggedRun(condition: Int, droplets: Int, through: Int)
    /// An expected spectrum is of no use.
    case expectation(condition: Int, points: Int, spread: Double, wanted: Int)
    /// A syringe cannot give what the next step needs.
    case refill(pump: String, left: Volume)
    /// A recipe cannot be run.
    case setpoints(SetpointError)
    /// What is wrong still keeps an operator from clearing it.
    case cannotClear(first: Fault, more: Int)

    /// Words that are there already.
    public init(stringLiteral value: String) { self = .text(value) }

    /// Nothing to say.
    public var isEmpty: Bool {
        if case .text(let text) = self { return text.isEmpty }
        return false
    }

    /// The words, for people.
    public var description: String {
        switch self {
        case .text(let text): return text
        case .instrument(let name, let what): return "\(name): \(what)"
        case .fault(let fault): return fault.text
        case .change(let fault, let kind): return fault.text(of: kind)
        case .adjusted(let pump, let asked, let given):
            return "\(pump): \(asked.microlitersPerMinute) uL/min is below what the pump can "
                + "do; it runs at \(given.microlitersPerMinute) uL/min"
        case .tooFewDroplets(let got, let needed, let saturated, let limit):
            return "\(got) droplets in \(limit.inWords), \(needed) needed"
                + (saturated > 0 ? "; \(saturated) were saturated" : "")
        case .clipped(let maximum): return "a droplet was clipped at \(maximum) counts"
        case .unmeasurable(let error): return "a droplet cannot be measured: \(error)"
        case .leftOut(let error): return "a reference droplet was left out: \(error)"
        case .flagged, .flaggedRun, .expectation: return judgement
        case .refill(let name, let left):
            let tenths = (left.microliters * 10).rounded() / 10
            return "syringe \(name) has \(tenths) uL left: fill it, then "
                + "`argent resume --refilled \(name)`"
        case .setpoints(let error): return "\(error)"
        case .cannotClear(let first, let more):
            return "cannot clear yet: \(first.text)" + (more > 0 ? "; and \(more) more" : "")
        }
    }

    /// The words about droplets that were compared with others.
    private var judgement: String {
        switch self {
        case .flagged(let condition, let droplets, let neighbours, let network):
            return "condition \(condition): of \(droplets) droplets \(neighbours) were flagged "
                + "against their neighbours, \(network) against the network"
        case .flaggedRun(let condition, let droplets, let last):
            return "condition \(condition): \(droplets) droplets in a row, up to index \(last), "
                + "are unlike those before them; look for bubbles, merging droplets and a pump "
                + "that stalls"
        case .expectation(let condition, let points, let spread, let wanted):
            return "condition \(condition): an expected spectrum of \(points) points with a "
                + "spread of \(spread) is not compared with droplets of \(wanted) points"
        default: return ""
        }
    }
}

/// What is to be said of a hazard beside value and limit: facts, as in `Words`.
public enum HazardDetail: Equatable, Sendable, ExpressibleByStringInterpolation,
    CustomStringConvertible
{
    /// Words that are there already; empty for nothing.
    case text(String)
    /// The GPIO line of this name.
    case line(String)
    /// What an instrument's driver found.
    case error(InstrumentError)
    /// What a pump says of itself.
    case alarm(PumpAlarm)
    /// Of `pumps` those whose bits are set in `which` did not take up their setpoints in time.
    case disobedience(pumps: [String], which: UInt64, after: TimeSpan)
    /// No usable spectrum for so long.
    case blind(TimeSpan)
    /// A step of the start sequence is not done.
    case step(RigState, after: TimeSpan)
    /// A step of the start sequence got too few scans.
    case scans(RigState, after: TimeSpan, ScanProgress)
    /// A step of the start sequence cannot begin with the configured flow.
    case unreachable(step: String, SetpointError)
    /// The reference cannot be used.
    case reference(SpectraError)
    /// The spectrometer's calibration cannot be used.
    case calibration(SpectraError)

    /// Words that are there already.
    public init(stringLiteral value: String) { self = .text(value) }

    /// Nothing to say.
    public static let none = HazardDetail.text("")

    /// Whether there is nothing to say.
    public var isEmpty: Bool { self == .none }

    /// The words, for people.
    public var description: String {
        switch self {
        case .text(let text): return text
        case .line(let name): return "line \(name)"
        case .error(let error): return "\(error)"
        case .alarm(let alarm): return alarm.rawValue
        case .disobedience(let pumps, let which, let span):
            let names = pumps.indices.filter { $0 < 64 && which & (1 << UInt64($0)) != 0 }
                .map { pumps[$0] }.joined(separator: ", ")
            return "\(names) did not take up the setpoint within \(span.inWords)"
        case .blind(let span): return "no usable spectrum for \(span.inWords)"
        case .step(let state, let span):
            return "\(state.rawValue) is not done after \(span.inWords)"
        case .scans(let state, let span, let progress):
            return "\(state.rawValue) got too few usable scans in \(span.inWords) (\(progress))"
        case .unreachable(let step, let error):
            return "cannot \(step): \(error); change [rig] prime_flow"
        case .reference(let error): return "the reference cannot be used: \(error)"
        case .calibration(let error):
            return "the spectrometer's calibration is unusable: \(error)"
        }
    }
}
