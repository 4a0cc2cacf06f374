import Quantities

/// How much a question hurries. A stop overtakes everything; the search for a pump that is not
/// there waits for everything.
enum Urgency: Int, Comparable, Sendable {
    case search, usual, stop

    static func < (a: Urgency, b: Urgency) -> Bool { a.rawValue < b.rawValue }
}

/// What shall be said to a pump next, and from when on.
struct NextAsk<Ask> {
    var ask: Ask
    var from: Instant
    var urgency = Urgency.usual
}

/// A complete reply in some dialect.
protocol PumpReply {
    /// The address it came from.
    var address: Int { get }
    /// Whether a pump may send this without being asked.
    var isNews: Bool { get }
}

/// What a reader made of the bytes so far.
enum Heard<Reply> {
    case reply(Reply)
    case garbage(why: String)
}

/// Cuts a stream of bytes into replies; bounded whatever comes.
protocol ReplyReader {
    associatedtype Reply: PumpReply
    init()
    /// Bytes held of an incomplete reply.
    var heldCount: Int { get }
    /// Takes one byte; gives what it completed, if anything.
    mutating func push(_ byte: UInt8, at now: Instant) -> Heard<Reply>?
    /// Forgets an incomplete reply.
    mutating func reset()
}

/// One pump's side of a line's conversation. What is said next is a function of what is known:
/// a failed exchange merely leaves something unknown, and so it is asked or said again.
protocol PumpTalk {
    associatedtype Ask
    associatedtype Reader: ReplyReader
    /// What is remembered in every dialect.
    var record: PumpRecord { get set }
    /// The pump's address on the line.
    var address: Int { get }
    /// What to say next.
    var next: NextAsk<Ask> { get }
    /// The pump stops itself unless spoken to by then (with a margin).
    var mustSpeakBy: Instant { get }
    /// The command, for people.
    func title(_ ask: Ask) -> String
    /// Appends `ask` as it goes on the wire. False: whatever comes back, if anything does, is
    /// discarded until the line is quiet.
    func write(_ ask: Ask, into bytes: inout [UInt8]) -> Bool
    /// Appends, without a reply in mind, what stops the pump whatever state it was left in, and
    /// what every pump of the line may be told without waiting in order to find it soon.
    mutating func stopBlindly(into bytes: inout [UInt8])
    mutating func lineOpened(at now: Instant)
    mutating func lineClosed(at now: Instant)
    /// The pump does not answer usefully any more: nothing is known of it.
    mutating func lose(_ error: InstrumentError, at now: Instant)
    mutating func setGoal(_ goal: PumpGoal, at now: Instant)
    mutating func acknowledgeAlarm(at now: Instant)
    /// The question is on the wire.
    mutating func sent(_ ask: Ask, at now: Instant)
    /// The reply from the pump's address. False: an alarm came, maybe in place of the answer.
    /// - Throws: why the reply is no answer to `ask`.
    mutating func heard(
        _ reply: Reader.Reply, to ask: Ask, bytes: [UInt8], at now: Instant
    ) throws(InstrumentError) -> Bool
    /// The pump sent this without being asked.
    mutating func overheard(_ reply: Reader.Reply, at now: Instant)
    /// The exchange failed.
    mutating func failed(_ ask: Ask, _ error: InstrumentError, at now: Instant)
}
