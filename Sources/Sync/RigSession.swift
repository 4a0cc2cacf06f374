import Quantities

/// The rig's end of one connection, after the handshake: a machine without I/O. Content that came
/// goes in with the time; what is to be done comes out. Nothing a peer says can change anything
/// but what is remembered as acknowledged.
public struct RigSession: Sendable {
    /// What is to be done for the peer.
    public enum Output: Equatable, Sendable {
        /// Send these bytes, and say `sent` as they go.
        case send([UInt8])
        /// List the segments after a number; answer with `listed`.
        case list(after: UInt64)
        /// Read bytes of a segment; answer with `read`.
        case read(log: [UInt8], number: UInt64, offset: UInt64, count: Int)
        /// Write down an acknowledgement; answer with `acknowledged`.
        case acknowledge(log: [UInt8], number: UInt64, hash: [UInt8])
        /// Send what waits, close, and do nothing more; empty: the peer was done.
        case close(because: String)
    }

    /// Why something asked for cannot be given.
    public struct Refusal: Error, Equatable, Sendable {
        /// Its code.
        public var code: RefusalCode
        /// For people.
        public var text: String

        /// A refusal.
        public init(_ code: RefusalCode, _ text: String) {
            self.code = code
            self.text = text
        }
    }

    private enum State: Equatable {
        case greeting
        case idle
        /// An answer from outside is awaited.
        case asked(SyncMessage)
        /// A segment is on its way: what remains of it.
        case sending(log: [UInt8], number: UInt64, offset: UInt64, remaining: UInt64)
        case closing(because: String)
        case closed
    }

    private let limits: SyncLimits
    private let name: String
    private var state = State.greeting
    private var frames: FrameReader
    private var outbox: [UInt8] = []
    /// Bytes handed out that have not been sent yet.
    public private(set) var inFlight = 0
    private let startedAt: Instant
    /// When the peer last said something whole, or was last given all it had asked for.
    private var activeAt: Instant
    /// Since when the peer owes us `stallBytes` taken, and how many it took.
    private var stallSince: Instant
    private var taken = 0

    /// A session that begins `now`, with a peer that may be served.
    public init(name: String, limits: SyncLimits, at now: Instant) {
        self.name = name
        self.limits = limits
        frames = FrameReader(limit: limits.requestSize)
        startedAt = now
        activeAt = now
        stallSince = now
    }

    /// A session whose only answer is `refusal`.
    public init(refusing refusal: Refusal, name: String, limits: SyncLimits, at now: Instant) {
        self.init(name: name, limits: limits, at: now)
        refuse(refusal, closing: true)
    }

    /// Whether more content may come in; false while the peer has enough under way.
    public var wantsInput: Bool {
        switch state {
        case .closing, .closed: false
        default: frames.count <= limits.requestSize
        }
    }

    /// Takes content that came.
    public mutating func receive(_ content: some Collection<UInt8>) {
        if state != .closed { frames.append(content) }
    }

    /// The next thing to do; nil: wait for input, for room or for the deadline.
    public mutating func next(at now: Instant) -> Output? {
        if let late = overdue(at: now) { refuse(Refusal(.tooSlow, late), closing: true) }
        while true {
            if !outbox.isEmpty {
                let bytes = outbox
                outbox.removeAll(keepingCapacity: true)
                if inFlight == 0 {
                    stallSince = now
                    taken = 0
                }
                inFlight += bytes.count
                return .send(bytes)
            }
            switch state {
            case .closed, .asked: return nil
            case .closing(let why):
                state = .closed
                return .close(because: why)
            case .sending(let log, let number, let offset, let remaining):
                guard inFlight < limits.bytesInFlight else { return nil }
                let count = Int(min(remaining, UInt64(limits.pieceSize)))
                state = .asked(
                    .fetch(log: log, number: number, offset: offset, length: remaining))
                return .read(log: log, number: number, offset: offset, count: count)
            case .greeting, .idle:
                guard inFlight < limits.bytesInFlight else { return nil }
                do throws(MessageError) {
                    guard let bytes = try frames.next() else { return nil }
                    activeAt = now
                    if let output = take(try SyncMessage(bytes)) { return output }
                } catch { refuse(Refusal(.malformed, "\(error)"), closing: true) }
            }
        }
    }

    /// What to do about a message that came in its turn; nil when the outbox says it all.
    private mutating func take(_ message: SyncMessage) -> Output? {
        switch (state, message) {
        case (_, .bye):
            state = .closing(because: "")
        case (.greeting, .hello(let lowest, let highest, _)):
            guard lowest <= SyncMessage.version, highest >= SyncMessage.version else {
                let text =
                    "this rig speaks version \(SyncMessage.version), the peer \(lowest) to "
                    + "\(highest): bring the older program up to date"
                refuse(Refusal(.version, text), closing: true)
                return nil
            }
            answer(
                .hello(lowest: SyncMessage.version, highest: SyncMessage.version, name: name))
        case (.idle, .list(let after)):
            state = .asked(message)
            return .list(after: after)
        case (.idle, .fetch(let log, let number, let offset, let length)):
            guard length > 0, offset <= UInt64(Int64.max), length <= UInt64(Int64.max) - offset
            else {
                refuse(Refusal(.malformed, "no segment has \(length) bytes at \(offset)"))
                return nil
            }
            state = .sending(log: log, number: number, offset: offset, remaining: length)
        case (.idle, .acknowledge(let log, let number, let hash)):
            state = .asked(message)
            return .acknowledge(log: log, number: number, hash: hash)
        default:
            refuse(Refusal(.malformed, "a message that has no place here"), closing: true)
        }
        return nil
    }

    /// The answer to `list`.
    public mutating func listed(_ result: Result<SegmentListing, Refusal>) {
        guard case .asked(.list) = state else { return }
        switch result {
        case .success(let listing): answer(.listing(listing))
        case .failure(let refusal): refuse(refusal)
        }
    }

    /// The answer to `read`: at least one byte, or why not.
    public mutating func read(_ result: Result<[UInt8], Refusal>) {
        guard case .asked(.fetch(let log, let number, let offset, let remaining)) = state else {
            return
        }
        switch result {
        case .failure(let refusal): refuse(refusal)
        case .success(let bytes):
            guard !bytes.isEmpty, UInt64(bytes.count) <= remaining else {
                return refuse(
                    Refusal(.noSuchSegment, "segment \(number) ends before byte \(offset)"))
            }
            answer(.piece(number: number, offset: offset, bytes: bytes))
            let count = UInt64(bytes.count)
            if remaining > count {
                state = .sending(
                    log: log, number: number, offset: offset + count, remaining: remaining - count)
            }
        }
    }

    /// The answer to `acknowledge`.
    public mutating func acknowledged(_ result: Result<Void, Refusal>) {
        guard case .asked(.acknowledge(_, let number, _)) = state else { return }
        switch result {
        case .success: answer(.acknowledged(number: number))
        case .failure(let refusal): refuse(refusal)
        }
    }

    /// `count` of the bytes handed out were taken by the peer.
    public mutating func sent(_ count: Int, at now: Instant) {
        inFlight = max(0, inFlight - count)
        taken += count
        if taken >= limits.stallBytes || inFlight == 0 {
            taken = 0
            stallSince = now
        }
        if inFlight == 0 { activeAt = now }
    }

    private mutating func answer(_ message: SyncMessage) {
        outbox += message.framed
        state = .idle
    }

    private mutating func refuse(_ refusal: Refusal, closing: Bool = false) {
        answer(.error(code: refusal.code.rawValue, text: refusal.text))
        if closing { state = .closing(because: refusal.text) }
    }

    /// When `next` must be called at the latest though nothing comes.
    public var deadline: Instant {
        if isOver { return .distantFuture }
        let waiting = inFlight > 0 ? stallSince + limits.stallTime : activeAt + limits.idleTime
        return min(waiting, startedAt + limits.totalTime)
    }

    /// Whether nothing more will come out.
    public var isOver: Bool { state == .closed }

    private func overdue(at now: Instant) -> String? {
        switch state {
        case .closing, .closed: return nil
        default: break
        }
        guard now >= deadline else { return nil }
        if now >= startedAt + limits.totalTime {
            return "a connection lasts \(limits.totalTime.inWords) at most"
        }
        guard inFlight > 0 else { return "nothing was asked for \(limits.idleTime.inWords)" }
        return "less than \(limits.stallBytes) bytes were taken in \(limits.stallTime.inWords)"
    }
}
