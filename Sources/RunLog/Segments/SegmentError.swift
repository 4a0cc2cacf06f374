import World

/// Why a sealed segment cannot be read, or a segment cannot be sealed.
public enum SegmentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A part of a segment, for messages.
    public enum Part: String, Sendable {
        case head, frames, index, seal
    }
    /// It does not begin like a segment.
    case notASegment
    /// A newer program wrote it.
    case newerFormat(version: UInt64)
    /// A part is damaged, or says what cannot be.
    case damaged(Part, at: Int64)
    /// A part is larger than any segment's.
    case tooLarge(Part, bytes: Int64)
    /// There is no memory to (de)compress.
    case noMemory
    /// The key gave no signature.
    case notSigned
    /// The disk refused.
    case disk(WorldError)
    /// The active segment cannot be read.
    case active(JournalError)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .notASegment: "this is not a sealed segment of a run log; check the path"
        case .newerFormat(let version):
            "the segment has format \(version), this program knows \(SegmentFormat.version); "
                + "use the newer program"
        case .damaged(let part, let at):
            "the segment's \(part.rawValue) is damaged (near byte \(at)); take it from another copy"
        case .tooLarge(let part, let bytes):
            "the segment's \(part.rawValue) says it has \(bytes) bytes, more than any has; take "
                + "it from another copy"
        case .noMemory: "there is not enough memory to compress"
        case .notSigned: "the key does not sign: check the key file"
        case .disk(let error): "\(error)"
        case .active(let error): "\(error)"
        }
    }
}
