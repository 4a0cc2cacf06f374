import Quantities
import World

/// One connection to the rig: socket, TLS and session together. Belongs to the server's thread.
final class SyncConnection {
    /// What the server gives its connections.
    struct Surroundings {
        var limits: SyncLimits
        var name: String
        var source: any SegmentSource
        var acknowledgements: Acknowledgements
        /// Who a fingerprint is, or why it may not be served.
        var judge: (Fingerprint) -> Result<AcceptedPeer, RigSession.Refusal>
    }

    /// What was done for the peer.
    struct Account {
        var fetchedBytes: UInt64 = 0
        var acknowledged = 0
    }

    /// Turns of work before another connection gets its share.
    private static let roundsPerTurn = 8
    /// Ciphertext that waits for the socket at most, beside one piece.
    private static let outputMark = 64 * 1_024
    /// Time to send the last words and to see them taken…
    private static let lingerTime = TimeSpan.seconds(2)
    /// …and how much is still read meanwhile, and thrown away.
    private static let discardLimit = 64 * 1_024

    let stream: TCPStream
    private let engine: TLSEngine
    private let around: Surroundings
    private var session: RigSession?
    /// Nil until the peer is known and may be served.
    private(set) var peer: AcceptedPeer?
    private(set) var account = Account()
    /// Why it ended, where that is worth telling; empty for an ordinary end.
    private(set) var complaint = ""
    let startedAt: Instant
    private var lingersUntil: Instant?
    private var hasFinished = false
    private var discarded = 0
    private var isOver = false
    /// Whether there is more to do at once, though the socket may be silent.
    private(set) var hasMore = false
    private var output: [UInt8] = []
    private var written = 0
    /// The segment that was read last stays open for the next piece of it.
    private var file: (log: [UInt8], number: UInt64, source: any ByteSource)?

    init(
        _ stream: TCPStream, _ context: TLSContext, _ around: Surroundings, at now: Instant
    ) throws(TLSFailure) {
        self.stream = stream
        self.around = around
        engine = try TLSEngine(context)
        startedAt = now
    }

    /// Whether the socket's input is of interest.
    var wantsInput: Bool {
        lingersUntil == nil ? session?.wantsInput ?? true : hasFinished
    }
    /// Whether bytes wait for the socket.
    var hasOutput: Bool { written < output.count }
    /// When `turn` must be called at the latest.
    var deadline: Instant {
        lingersUntil ?? session?.deadline ?? startedAt + around.limits.handshakeTime
    }

    /// Goes on as far as bytes and limits allow; false when the connection is over.
    func turn(at now: Instant) -> Bool {
        hasMore = false
        for _ in 0..<Self.roundsPerTurn {
            guard flush(at: now), !isOver else { return false }
            if let lingersUntil { return now < lingersUntil && linger() }
            do throws(TLSFailure) {
                guard try work(at: now) else { return true }
            } catch {
                fail(peer == nil ? "\(error.reason) in the handshake" : "\(error)", at: now)
            }
        }
        hasMore = true
        return true
    }

    /// Waits until the peer has taken the last words and hung up: closing a socket with unread
    /// input would take them back (RFC 9293, 3.10.4). False when there is nothing to wait for.
    private func linger() -> Bool {
        guard !hasOutput else { return true }
        if !hasFinished {
            hasFinished = true
            stream.finishWriting()
        }
        do throws(WorldError) {
            let count = try stream.read(limit: TLSEngine.recordSize) { _ in }
            discarded += count
        } catch { return false }
        return discarded <= Self.discardLimit
    }

    /// Whether something moved.
    private func work(at now: Instant) throws(TLSFailure) -> Bool {
        if session == nil {
            guard now < startedAt + around.limits.handshakeTime else {
                fail("no handshake in \(around.limits.handshakeTime.inWords)", at: now)
                return true
            }
            let before = engine.waiting
            try engine.shakeHands()
            if let print = engine.peer { welcome(print, at: now) }
            collect()
            if engine.isOpen || engine.waiting != before { return true }
        }
        let hasRoom = output.count - written <= Self.outputMark
        if hasRoom || now >= deadline, let next = session?.next(at: now) {
            try carryOut(next, at: now)
            return true
        }
        guard wantsInput else { return false }
        var content: [UInt8] = []
        if engine.isOpen {
            switch try engine.read(into: &content) {
            case .content:
                session?.receive(content)
                return true
            case .ended:
                isOver = true
                return true
            case .waits: break
            }
        }
        return try receive(at: now)
    }

    private func receive(at now: Instant) throws(TLSFailure) -> Bool {
        var failure: TLSFailure?
        var moved = false
        do throws(WorldError) {
            let count = try stream.read(limit: TLSEngine.recordSize) { bytes in
                do throws(TLSFailure) { try engine.receive(bytes) } catch { failure = error }
            }
            moved = count > 0
        } catch {
            // It hung up: nothing can be said to it any more.
            if peer == nil, complaint.isEmpty { complaint = "hung up in the handshake" }
            isOver = true
            return true
        }
        if let failure { throw failure }
        return moved
    }

    private func welcome(_ print: Fingerprint, at now: Instant) {
        switch around.judge(print) {
        case .success(let known):
            peer = known
            session = RigSession(name: around.name, limits: around.limits, at: now)
        case .failure(let refusal):
            complaint = "\(print): \(refusal.code)"
            session = RigSession(
                refusing: refusal, name: around.name, limits: around.limits, at: now)
        }
    }

    private func carryOut(_ next: RigSession.Output, at now: Instant) throws(TLSFailure) {
        switch next {
        case .send(let bytes):
            _ = try engine.write(bytes[...])
            collect()
        case .list(let after):
            session?.listed(
                result { () throws(RigSession.Refusal) in
                    try around.source.listing(after: after, limit: SyncMessage.listingLimit)
                })
        case .read(let log, let number, let offset, let count):
            session?.read(
                result { () throws(RigSession.Refusal) in
                    try piece(log, number, offset, count)
                })
        case .acknowledge(let log, let number, let hash):
            session?.acknowledged(
                result { () throws(RigSession.Refusal) in try acknowledge(log, number, hash) })
        case .close(let because):
            if complaint.isEmpty { complaint = because }
            engine.end()
            collect()
            lingersUntil = now + Self.lingerTime
        }
    }

    private func result<Value>(
        _ body: () throws(RigSession.Refusal) -> Value
    ) -> Result<Value, RigSession.Refusal> {
        do throws(RigSession.Refusal) { return .success(try body()) } catch {
            return .failure(error)
        }
    }

    private func piece(
        _ log: [UInt8], _ number: UInt64, _ offset: UInt64, _ count: Int
    ) throws(RigSession.Refusal) -> [UInt8] {
        if file?.log != log || file?.number != number || offset == 0 {
            file = (log, number, try around.source.open(log: log, number: number))
        }
        let bytes: [UInt8]
        do throws(WorldError) {
            bytes = try file?.source.read(at: Int64(offset), count: count) ?? []
        } catch {
            file = nil
            throw RigSession.Refusal(.disk, "segment \(number) cannot be read now")
        }
        account.fetchedBytes += UInt64(bytes.count)
        return bytes
    }

    private func acknowledge(
        _ log: [UInt8], _ number: UInt64, _ hash: [UInt8]
    ) throws(RigSession.Refusal) {
        guard let peer else { return }
        guard let entry = try around.source.entry(log: log, number: number) else {
            throw RigSession.Refusal(.noSuchSegment, "there is no segment \(number)")
        }
        guard entry.hash == hash else {
            throw RigSession.Refusal(
                .otherHash, "segment \(number) here has another hash than the acknowledged one")
        }
        do throws(WorldError) {
            try around.acknowledgements.record(number, of: log, by: peer.fingerprint)
        } catch {
            throw RigSession.Refusal(.disk, "the acknowledgement could not be written down")
        }
        account.acknowledged += 1
    }

    /// Takes what TLS wants to send.
    private func collect() {
        guard engine.waiting > 0 else { return }
        if written == output.count {
            output.removeAll(keepingCapacity: true)
            written = 0
        }
        engine.send(into: &output)
    }

    /// Writes what waits; false when the peer is gone.
    private func flush(at now: Instant) -> Bool {
        guard hasOutput else { return true }
        do throws(WorldError) {
            let count = try stream.write(output[written...])
            written += count
            // TLS adds a little to each record: when all is gone, all of the content is.
            let left = session?.inFlight ?? 0
            session?.sent(written == output.count ? left : min(count, left), at: now)
        } catch { return false }
        return true
    }

    /// Ends it; what TLS still wants to say is said.
    private func fail(_ why: String, at now: Instant) {
        complaint = why
        collect()
        lingersUntil = now + Self.lingerTime
    }
}
