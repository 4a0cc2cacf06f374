import Quantities

/// Why a pull cannot go on with this connection.
public enum SessionError: Error, Equatable, CustomStringConvertible {
    /// The rig sent something that is no answer to what was asked.
    case malformed(String)
    /// The rig refused: its code and words.
    case refused(code: UInt64, text: String)
    /// No answer came in time.
    case silent
    /// More was asked at once than an orderly program asks.
    case tooMuchAsked

    /// What is wrong.
    public var description: String {
        switch self {
        case .malformed(let what): "the rig's answer is not as it must be: \(what)"
        case .refused(_, let text): "the rig refuses: \(text)"
        case .silent: "the rig has not answered in time"
        case .tooMuchAsked: "too many requests at once"
        }
    }
}

/// The workstation's end of one connection, after the handshake: a machine without I/O. Requests
/// and content that came go in; bytes to send and what the rig answered come out. An answer that
/// was not asked for ends it: nothing a rig sends makes it hold more than one message.
public struct PullSession: Sendable {
    /// What the rig answered.
    public enum Event: Equatable, Sendable {
        /// It greets, with its name.
        case welcomed(name: String)
        /// The answer to `list`.
        case listed(SegmentListing)
        /// A part of what was fetched, in order; `isLast` when that is all of it.
        case piece(number: UInt64, offset: UInt64, bytes: [UInt8], isLast: Bool)
        /// An acknowledgement is written down.
        case acknowledged(number: UInt64)
        /// One request is refused, or what remained of it; later ones may not be.
        case refused(Request, code: UInt64, text: String)
    }

    /// What an answer is awaited to.
    public enum Request: Equatable, Sendable {
        /// The greeting.
        case hello
        /// A listing of the segments after a number.
        case listing(after: UInt64)
        /// A segment: what has not come of it yet.
        case pieces(number: UInt64, offset: UInt64, remaining: UInt64)
        /// An acknowledgement of a segment.
        case acknowledgement(number: UInt64)
    }

    /// Requests without an answer at most.
    public static let requestsLimit = 16

    private var awaited: [Request] = [.hello]
    private var frames = FrameReader(limit: SyncMessage.replyLimit)
    /// Bytes to send; the driver takes them.
    public private(set) var output: [UInt8]
    private let answerTime: TimeSpan
    private var heardAt: Instant

    /// A session that begins `now` as `name`; an answer may take `answerTime` to begin and to
    /// go on.
    public init(name: String, answerTime: TimeSpan, at now: Instant) {
        output =
            SyncMessage.hello(
                lowest: SyncMessage.version, highest: SyncMessage.version, name: name
            ).framed
        self.answerTime = answerTime
        heardAt = now
    }

    /// Requests whose answers have not come, or not all of them.
    public var requests: Int { awaited.count }

    /// Takes what waits to be sent.
    public mutating func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }

    /// Asks for the segments after a number.
    public mutating func list(after: UInt64, at now: Instant) throws(SessionError) {
        try ask(.list(after: after), .listing(after: after), now)
    }

    /// Asks for `length` bytes, at least one, of a segment.
    public mutating func fetch(
        log: [UInt8], number: UInt64, offset: UInt64, length: UInt64, at now: Instant
    ) throws(SessionError) {
        try ask(
            .fetch(log: log, number: number, offset: offset, length: length),
            .pieces(number: number, offset: offset, remaining: length), now)
    }

    /// Says that a segment is verified and safe here.
    public mutating func acknowledge(
        log: [UInt8], number: UInt64, hash: [UInt8], at now: Instant
    ) throws(SessionError) {
        try ask(
            .acknowledge(log: log, number: number, hash: hash),
            .acknowledgement(number: number), now)
    }

    /// Says that this end is done.
    public mutating func bye() { output += SyncMessage.bye.framed }

    private mutating func ask(
        _ message: SyncMessage, _ answer: Request, _ now: Instant
    ) throws(SessionError) {
        guard awaited.count < Self.requestsLimit else { throw .tooMuchAsked }
        if awaited.isEmpty { heardAt = now }
        awaited.append(answer)
        output += message.framed
    }

    /// Takes content that came.
    public mutating func receive(_ content: some Collection<UInt8>) { frames.append(content) }

    /// The next answer; nil when more must come first.
    public mutating func next(at now: Instant) throws(SessionError) -> Event? {
        let message: SyncMessage?
        do throws(MessageError) {
            if let bytes = try frames.next() {
                message = try SyncMessage(bytes)
            } else {
                message = nil
            }
        } catch { throw .malformed("\(error)") }
        guard let message else { return nil }
        heardAt = now
        return try event(of: message)
    }

    private mutating func event(of message: SyncMessage) throws(SessionError) -> Event {
        if case .error(let code, let text) = message {
            // These end the connection; so does a refusal nobody caused.
            let isFinal = [.unknownPeer, .version, .malformed, .busy, .tooSlow]
                .contains(RefusalCode(rawValue: code))
            guard !isFinal, let first = awaited.first, first != .hello else {
                throw .refused(code: code, text: text)
            }
            awaited.removeFirst()
            return .refused(first, code: code, text: text)
        }
        guard let first = awaited.first else { throw .malformed("an answer nobody asked for") }
        switch (first, message) {
        case (.hello, .hello(let lowest, let highest, let name)):
            guard lowest <= SyncMessage.version, highest >= SyncMessage.version else {
                throw .malformed("it speaks versions \(lowest) to \(highest) only")
            }
            awaited.removeFirst()
            return .welcomed(name: name)
        case (.listing(let after), .listing(let listing)):
            guard listing.entries.first?.number ?? .max > after else {
                throw .malformed("segments that were not asked for")
            }
            awaited.removeFirst()
            return .listed(listing)
        case (
            .pieces(let number, let offset, let remaining), .piece(let of, let at, let bytes)
        ):
            let count = UInt64(bytes.count)
            guard of == number, at == offset, count > 0, count <= remaining else {
                throw .malformed("another piece than the next one")
            }
            awaited[0] = .pieces(
                number: number, offset: offset + count, remaining: remaining - count)
            if count == remaining { awaited.removeFirst() }
            return .piece(
                number: number, offset: offset, bytes: bytes, isLast: count == remaining)
        case (.acknowledgement(let number), .acknowledged(let of)) where of == number:
            awaited.removeFirst()
            return .acknowledged(number: number)
        default: throw .malformed("a message that has no place here")
        }
    }

    /// Ends it where an answer is overdue. Call when nothing more has come.
    public func tick(at now: Instant) throws(SessionError) {
        guard now < deadline else { throw .silent }
    }

    /// When an answer must have come, or gone on.
    public var deadline: Instant {
        awaited.isEmpty ? .distantFuture : heardAt + answerTime
    }
}
