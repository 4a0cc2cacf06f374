import Quantities
import World

/// Says whether a fetched file is the segment it should be.
public protocol SegmentCheck {
    /// Reads all of the file at `path`.
    ///
    /// - Returns: what the file says of itself, and all that is wrong with it.
    /// - Throws: when the file cannot be read at all.
    func check(_ path: String) throws(WorldError) -> CheckedSegment
}

/// What a fetched file turned out to be.
public struct CheckedSegment: Sendable {
    /// What it says of itself; nil when it is no segment.
    public var entry: SegmentEntry?
    /// The log it belongs to.
    public var log: [UInt8] = []
    /// Raw public keys that signed it; empty for a segment nobody signed.
    public var keys: [[UInt8]] = []
    /// Time of day of its first record; zero where it has none.
    public var began = WallTime(unixNanoseconds: 0)
    /// What is wrong with it, for people.
    public var problems: [String] = []
    /// Records that were missing or damaged already when it was sealed.
    public var missingRecords: UInt64 = 0

    /// Nothing known.
    public init() {}
}
