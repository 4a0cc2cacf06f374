import Configuration
import Quantities
import Spectra

/// New settings for a rig that runs, worked out beforehand by whoever hands them over: the rig
/// only exchanges them, between two turns, for those it had. Those it had go back in this object,
/// so that it is never the rig's thread that gives their memory back.
public final class RigChange: @unchecked Sendable {
    /// Whether it waits for the boundary between two conditions.
    public let needsBoundary: Bool
    /// The settings; those of before, once they are in force.
    public fileprivate(set) var settings: Settings
    fileprivate var rows: [ReactionRow]
    fileprivate var watched: WatchedRows
    fileprivate var medianStop: MedianStop
    fileprivate var lossRooms: RoomsInTurn<Double>
    fileprivate var sortRoom: [Double] = []
    fileprivate let renewsReference: Bool

    /// What turns a rig that goes by `old` into one that goes by `new`. Nil where the two differ
    /// in what cannot be changed while it runs.
    public init?(from old: Settings, to new: Settings) {
        guard let kind = SettingsChange.between(old, and: new).kind, kind < .refused else {
            return nil
        }
        let before = ReactionTable(old).rows
        rows = ReactionTable(new).rows
        guard before.count == rows.count, zip(before, rows).allSatisfy(Self.areAlike) else {
            return nil
        }
        needsBoundary = kind == .atBoundary
        settings = new
        watched = WatchedRows(Interlocks(table: ReactionTable(new)))
        medianStop = MedianStop(
            uncertainty: new.rig.medianUncertainty, fewest: new.rig.minimumDroplets,
            droplets: new.rig.droplets)
        lossRooms = RoomsInTurn(
            rooms: RigController.lossRoomCount, capacity: needsBoundary ? new.rig.droplets : 0)
        sortRoom.reserveCapacity(needsBoundary ? new.rig.droplets : 0)
        // Flags are judged droplet by droplet; all else there is part of what a reference means.
        var flagsApart = new.droplets
        flagsApart.flagAmplitude = old.droplets.flagAmplitude
        flagsApart.flagShape = old.droplets.flagShape
        flagsApart.flagMultiple = old.droplets.flagMultiple
        flagsApart.flagNetwork = old.droplets.flagNetwork
        renewsReference = flagsApart != old.droplets
    }

    /// Whether two rows are about the same.
    private static func areAlike(_ a: ReactionRow, _ b: ReactionRow) -> Bool {
        a.hazard == b.hazard && a.subject == b.subject && a.index == b.index
            && a.isSensor == b.isSensor && a.measure == b.measure && a.pumps == b.pumps
    }
}

extension RigController {
    /// Rooms for the losses of a condition.
    static let lossRoomCount = 4

    /// Whether no condition is under way, no dark or reference either, and nothing keeps the
    /// pumps still that a change could set free.
    public var isAtBoundary: Bool {
        guard order == nil, !interlocks.keepsPumpsStill else { return false }
        return state == .ready || state == .held || state == .connecting
    }

    /// Goes by `change` from here on, all of it or (false) nothing: one that needs the boundary
    /// between two conditions is not taken elsewhere.
    public mutating func adopt(_ change: RigChange, at now: Instant) -> Bool {
        guard !change.needsBoundary || isAtBoundary else { return false }
        account(until: now)
        let before = demanded
        guard interlocks.adopt(&change.rows) else { return false }
        swap(&settings, &change.settings)
        swap(&watchedRows, &change.watched)
        for index in flowChecks.indices {
            flowChecks[index].adopt(interlocks.rows[flowChecks[index].row])
        }
        dropletWatch.settings = settings.droplets
        measurement.adopt(settings, renewsReference: change.renewsReference)
        if change.needsBoundary {
            swap(&medianStop, &change.medianStop)
            swap(&lossRooms, &change.lossRooms)
            swap(&sortRoom, &change.sortRoom)
            losses = lossRooms.take()
            flags = DropletFlags()
        }
        let fresh = demanded.subtracting(before)
        if !fresh.isEmpty { react(to: fresh, because: latestWords ?? "", at: now) }
        return true
    }
}
