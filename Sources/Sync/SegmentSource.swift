import World

/// The sealed segments of the rig's log, as the server sees them. It reads and nothing else.
public protocol SegmentSource: AnyObject {
    /// The segments after a number, at most `limit` of them.
    func listing(
        after number: UInt64, limit: Int
    ) throws(RigSession.Refusal) -> SegmentListing

    /// The file of a segment.
    func open(log: [UInt8], number: UInt64) throws(RigSession.Refusal) -> any ByteSource
}

extension SegmentSource {
    /// The entry of one segment; nil where there is none.
    func entry(log: [UInt8], number: UInt64) throws(RigSession.Refusal) -> SegmentEntry? {
        guard number > 0 else { return nil }
        let listing = try listing(after: number - 1, limit: 1)
        guard listing.log == log, let entry = listing.entries.first, entry.number == number else {
            return nil
        }
        return entry
    }
}
