/// What a pull did.
public struct PullReport: Equatable, Sendable {
    /// Something that is not as it should be.
    public enum Finding: Equatable, Sendable, CustomStringConvertible {
        /// The rig no longer has segments that never came here.
        case missing(first: UInt64, last: UInt64)
        /// A segment arrived damaged, twice.
        case damaged(number: UInt64, why: String)
        /// A segment does not follow the one before it.
        case doesNotChain(number: UInt64)
        /// A segment was signed with a key that is not the rig's.
        case otherSigner(number: UInt64, signer: Fingerprint)
        /// A segment that came earlier is another one on the rig now.
        case replaced(number: UInt64)
        /// The rig has fewer segments than came from it.
        case wentBack(here: UInt64, there: UInt64)
        /// Records were lost on the rig before the segment was sealed.
        case lostBefore(number: UInt64, records: UInt64)
        /// The rig refused an acknowledgement or a fetch.
        case refused(number: UInt64, why: String)

        /// What was found and what to do.
        public var description: String {
            switch self {
            case .missing(let first, let last):
                (first == last ? "segment \(first) is" : "segments \(first) to \(last) are")
                    + " no longer on the rig and never came here: pull more often, or give the "
                    + "rig a larger [log] disk_budget"
            case .damaged(let number, let why):
                "segment \(number) is damaged on the rig: \(why); it is not acknowledged"
            case .doesNotChain(let number):
                "segment \(number) does not follow the one before it; it is not acknowledged: "
                    + "one of the two was replaced"
            case .otherSigner(let number, let signer):
                "segment \(number) was signed by \(signer), which was never this rig's key; it "
                    + "is not acknowledged"
            case .replaced(let number):
                "segment \(number) of the same log is another one on the rig now than the one "
                    + "that came here: its disk was set back to an older state; what is here "
                    + "stays, nothing more is fetched; give the rig a new [log] directory"
            case .wentBack(let here, let there):
                "\(here) segments of this log came here, the rig has \(there) now: its disk was "
                    + "set back to an older state; what is here stays, nothing more is fetched; "
                    + "give the rig a new [log] directory"
            case .lostBefore(let number, let records):
                "\(records) records of segment \(number) were lost on the rig before it was sealed"
            case .refused(let number, let why): "segment \(number): the rig says: \(why)"
            }
        }
    }

    /// What the rig calls itself.
    public var rigName = ""
    /// Segments the rig has.
    public var listed = 0
    /// Segments that came, were verified and put in place.
    public var kept = 0
    /// Records in them.
    public var records: UInt64 = 0
    /// Bytes that came over the network.
    public var fetchedBytes: UInt64 = 0
    /// Bytes that were here already, half fetched.
    public var resumedBytes: UInt64 = 0
    /// Acknowledgements the rig confirmed.
    public var acknowledged = 0
    /// Segments without a signature among those kept.
    public var unsigned = 0
    /// Connections that broke on the way.
    public var broken = 0
    /// What is not as it should be.
    public var findings: [Finding] = []

    /// Findings told at most; the rest is only counted by the exit code.
    public static let findingLimit = 100

    /// Nothing done.
    public init() {}

    mutating func find(_ finding: Finding) {
        if findings.count < Self.findingLimit, !findings.contains(finding) {
            findings.append(finding)
        }
    }
}
