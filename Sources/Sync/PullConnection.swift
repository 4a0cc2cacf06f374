import Quantities
import World

/// A workstation's connection to a rig: socket, TLS and session together. Waits for what it is
/// asked for.
public final class PullConnection {
    /// How long things may take.
    public struct Patience: Sendable {
        /// To connect, for each address of the host.
        public var connect = TimeSpan.seconds(10)
        /// For the TLS handshake.
        public var handshake = TimeSpan.seconds(15)
        /// For the next piece of an answer.
        public var answer = TimeSpan.seconds(90)

        /// The usual.
        public init() {}
    }

    private let stream: TCPStream
    private let engine: TLSEngine
    private let waker: WakeHandle
    private var session: PullSession
    private var output: [UInt8] = []
    private var written = 0
    /// What the rig is known by.
    public let rig: Fingerprint

    /// Connects to `address` as `identity` and shakes hands. Whoever answers: see `rig`.
    public init(
        _ address: NetworkAddress, identity: TLSIdentity, name: String,
        patience: Patience = Patience()
    ) throws(PullError) {
        session = PullSession(name: name, answerTime: patience.answer, at: Clocks.now)
        do throws(WorldError) {
            waker = try WakeHandle()
            stream = try TCPStream.connect(address, timeout: patience.connect)
        } catch { throw .unreachable(error) }
        do throws(TLSFailure) {
            engine = try TLSEngine(TLSContext(identity: identity, isServer: false))
        } catch { throw .tls(error) }
        let end = Clocks.now + patience.handshake
        var shown: Fingerprint?
        while shown == nil {
            do throws(TLSFailure) { try engine.shakeHands() } catch {
                Self.send(engine, &output)
                _ = try? stream.write(output[...])
                throw .tls(error)
            }
            shown = engine.peer
            Self.send(engine, &output)
            if shown == nil {
                _ = try Self.move(stream, engine, waker, &output, &written, until: end)
                guard Clocks.now < end else { throw .session(.silent) }
            }
        }
        guard let shown else { throw .session(.silent) }
        rig = shown
    }

    /// Greets. Call once the rig's key is known to be the right one, before anything else.
    public func greet() throws(PullError) -> String {
        guard case .welcomed(let name) = try next() else {
            throw .session(.malformed("no greeting"))
        }
        return name
    }

    /// Asks for the segments after a number and waits for them.
    public func list(after number: UInt64) throws(PullError) -> SegmentListing {
        try ask { session throws(SessionError) in
            try session.list(after: number, at: Clocks.now)
        }
        switch try next() {
        case .listed(let listing): return listing
        case .refused(_, let code, let text): throw .session(.refused(code: code, text: text))
        default: throw .session(.malformed("no listing"))
        }
    }

    /// Hands `body` the session, to ask for something; `next` brings the answers.
    public func ask(
        _ body: (inout PullSession) throws(SessionError) -> Void
    ) throws(PullError) {
        do throws(SessionError) { try body(&session) } catch { throw .session(error) }
    }

    /// Requests whose answers are awaited.
    public var requests: Int { session.requests }

    /// Waits for the next answer to what was asked.
    public func next() throws(PullError) -> PullSession.Event {
        while true {
            let event: PullSession.Event?
            do throws(SessionError) { event = try session.next(at: Clocks.now) } catch {
                throw .session(error)
            }
            // What was asked meanwhile must not wait for the next silence.
            try flush()
            if let event { return event }
            if try takeContent() { continue }
            let end = session.deadline
            if try Self.move(stream, engine, waker, &output, &written, until: end) { continue }
            do throws(SessionError) { try session.tick(at: Clocks.now) } catch {
                throw .session(error)
            }
        }
    }

    /// Says goodbye and closes.
    public func close() {
        session.bye()
        _ = try? flush()
        engine.end()
        Self.send(engine, &output)
        _ = try? stream.write(output[written...])
        stream.close()
    }

    private func flush() throws(PullError) {
        let bytes = session.takeOutput()
        guard !bytes.isEmpty else { return }
        do throws(TLSFailure) { _ = try engine.write(bytes[...]) } catch { throw .tls(error) }
        Self.send(engine, &output)
        do throws(WorldError) { written += try stream.write(output[written...]) } catch {
            throw .unreachable(error)
        }
    }

    /// Whether TLS had content for the session.
    private func takeContent() throws(PullError) -> Bool {
        var content: [UInt8] = []
        do throws(TLSFailure) {
            switch try engine.read(into: &content) {
            case .content:
                session.receive(content)
                return true
            case .waits: return false
            case .ended: break
            }
        } catch { throw .tls(error) }
        throw .unreachable(.gone(name: stream.name))
    }

    private static func send(_ engine: TLSEngine, _ output: inout [UInt8]) {
        if engine.waiting > 0 { engine.send(into: &output) }
    }

    /// Moves bytes between socket and TLS; where none came, waits for the socket at most until
    /// `end`. Whether some came.
    private static func move(
        _ stream: TCPStream, _ engine: TLSEngine, _ waker: WakeHandle, _ output: inout [UInt8],
        _ written: inout Int, until end: Instant
    ) throws(PullError) -> Bool {
        var failure: TLSFailure?
        var came = false
        do throws(WorldError) {
            if written < output.count { written += try stream.write(output[written...]) }
            if written == output.count {
                output.removeAll(keepingCapacity: true)
                written = 0
            }
            let count = try stream.read(limit: TCPStream.portion) { bytes in
                do throws(TLSFailure) { try engine.receive(bytes) } catch { failure = error }
            }
            came = count > 0
            if !came {
                var poller = Poller(waker: waker)
                poller.watch(stream.descriptor, read: true, write: written < output.count)
                _ = poller.wait(timeout: max(.zero, end - Clocks.now))
            }
        } catch { throw .unreachable(error) }
        if let failure { throw .tls(failure) }
        return came
    }
}
