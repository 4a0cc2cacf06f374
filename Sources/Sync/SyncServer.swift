import Quantities
import Synchronization
import World

/// Serves sealed segments to accepted peers, on a thread of its own that stands back behind all
/// others. It reads the log's files and writes down acknowledgements; nothing else in the program
/// waits for it or is changed by it.
public final class SyncServer: @unchecked Sendable {
    /// Events that wait for the log at most; more are dropped.
    public static let eventCapacity = 64
    /// Nice increment of the thread.
    private static let niceness = 10
    /// Time between two tries to listen.
    private static let listenRetry = TimeSpan.seconds(10)
    /// How often the unacknowledged bytes are counted.
    private static let countPeriod = TimeSpan.seconds(60)
    /// How long nothing is accepted after too many connections came.
    private static let floodPause = TimeSpan.milliseconds(250)

    /// What happened, for the log: taken by one thread.
    public let events = BoundedQueue<SyncEvent>(capacity: eventCapacity)

    // Shared.
    private let isClosing = Atomic<Bool>(false)
    private let picture = Mutex(SyncStatus())
    private let waker: WakeHandle

    // The thread's own.
    private let settings: SyncServerSettings
    private let context: TLSContext
    private let store: PeerStore
    private let acknowledgements: Acknowledgements
    private let source: any SegmentSource
    private var listener: TCPListener?
    private var connections: [SyncConnection] = []
    private var gate: ConnectionGate
    private var eventGate: EventGate
    private var current = SyncStatus()
    private var listenAt = Instant.zero
    private var countAt = Instant.zero
    private var acceptAt = Instant.zero
    private var thread: Thread?

    /// A server that serves `source` as `identity`; it listens once `start` was called.
    public init(
        _ settings: SyncServerSettings, identity: TLSIdentity,
        acknowledgements: Acknowledgements, source: any SegmentSource
    ) throws(SyncServerError) {
        self.settings = settings
        self.acknowledgements = acknowledgements
        self.source = source
        store = PeerStore(directory: settings.directory)
        gate = ConnectionGate(settings.limits, at: Clocks.now)
        eventGate = EventGate(settings.limits, at: Clocks.now)
        do throws(WorldError) { waker = try WakeHandle() } catch { throw .world(error) }
        do throws(TLSFailure) { context = try TLSContext(identity: identity, isServer: true) } catch
        { throw .tls(error) }
    }

    /// Starts the thread. Where the address cannot be had yet, it tries again and again and says
    /// so in its status: a rig needs no network.
    public func start() throws(SyncServerError) {
        // The thread ends before this object does (see `stop`).
        let me = Unmanaged.passUnretained(self)
        do throws(WorldError) {
            thread = try Thread.start(name: "sync", schedule: .nice(Self.niceness)) {
                me.takeUnretainedValue().work()
            }
        } catch { throw .world(error) }
    }

    /// Drops every connection and ends the thread. Safe to repeat.
    public func stop() {
        isClosing.store(true, ordering: .releasing)
        waker.signal()
        thread?.join()
        thread = nil
    }

    /// The picture of the moment; never waits longer than it takes to copy it.
    public var status: SyncStatus { picture.withLock { $0 } }

    // MARK: - The thread

    private func work() {
        while !isClosing.load(ordering: .acquiring) {
            let now = Clocks.now
            listen(at: now)
            welcome(at: now)
            var kept: [SyncConnection] = []
            for connection in connections {
                let acknowledged = connection.account.acknowledged
                let goesOn = connection.turn(at: now)
                if connection.account.acknowledged > acknowledged { note(connection) }
                if goesOn {
                    kept.append(connection)
                } else {
                    say(farewell: connection, at: now)
                    connection.stream.close()
                }
            }
            connections = kept
            count(at: now)
            publish()
            wait(since: now)
        }
        for connection in connections { connection.stream.close() }
        connections = []
        listener?.close()
        listener = nil
    }

    private func listen(at now: Instant) {
        guard listener == nil, now >= listenAt else { return }
        do throws(WorldError) {
            let fresh = try TCPListener(settings.address)
            listener = fresh
            current.listening =
                NetworkAddress(host: settings.address.host, port: fresh.port).description
            current.problem = ""
        } catch {
            listenAt = now + Self.listenRetry
            if current.problem.isEmpty { tell("sync-trouble", "cannot listen: \(error)", now) }
            current.problem = "\(error)"
        }
    }

    private func welcome(at now: Instant) {
        guard let listener, now >= acceptAt else { return }
        for _ in 0..<TCPListener.backlog {
            guard let stream = (try? listener.accept()) ?? nil else { return }
            guard gate.admits(stream.name, at: now) else {
                refuse(stream, "too many connections", now)
                acceptAt = now + Self.floodPause
                return
            }
            let strangers = connections.indices.filter { connections[$0].peer == nil }
            if strangers.count >= settings.limits.strangers, let oldest = strangers.first {
                let gone = connections.remove(at: oldest)
                refuse(gone.stream, "it gave its place to another one", now)
            }
            do throws(TLSFailure) {
                connections.append(try SyncConnection(stream, context, surroundings, at: now))
            } catch { refuse(stream, error.reason, now) }
        }
    }

    private var surroundings: SyncConnection.Surroundings {
        let me = Unmanaged.passUnretained(self)
        return SyncConnection.Surroundings(
            limits: settings.limits, name: settings.name, source: source,
            acknowledgements: acknowledgements,
            judge: { me.takeUnretainedValue().judge($0) })
    }

    private func judge(_ print: Fingerprint) -> Result<AcceptedPeer, RigSession.Refusal> {
        do throws(PeerError) {
            guard let peer = try store.peers().first(where: { $0.fingerprint == print }) else {
                return .failure(
                    RigSession.Refusal(
                        .unknownPeer,
                        "this rig does not know you; on the rig: argent pair accept \(print)"))
            }
            guard connections.count(where: { $0.peer != nil }) < settings.limits.peers else {
                return .failure(
                    RigSession.Refusal(.busy, "\(settings.limits.peers) peers are served already"))
            }
            return .success(peer)
        } catch {
            tell("sync-trouble", "\(error)", Clocks.now)
            return .failure(RigSession.Refusal(.disk, "the rig cannot read its list of peers"))
        }
    }

    private func refuse(_ stream: TCPStream, _ why: String, _ now: Instant) {
        stream.close()
        current.refused += 1
        tell("sync-refused", "\(stream.name): \(why)", now)
    }

    private func say(farewell connection: SyncConnection, at now: Instant) {
        guard let peer = connection.peer else {
            current.refused += 1
            let why = connection.complaint.isEmpty ? "nothing said" : connection.complaint
            return tell("sync-refused", "\(connection.stream.name): \(why)", now)
        }
        let account = connection.account
        if account.fetchedBytes > 0 || account.acknowledged > 0 {
            tell(
                "sync-pull",
                "\(peer.name) (\(peer.fingerprint.short)) took \(account.fetchedBytes) bytes and "
                    + "acknowledged \(account.acknowledged) segments", now)
        }
        if !connection.complaint.isEmpty {
            current.refused += 1
            tell("sync-refused", "\(peer.name): \(connection.complaint)", now)
        }
    }

    private func note(_ connection: SyncConnection) {
        current.lastPull = Clocks.wallTime
        current.lastPeer = connection.peer?.name ?? ""
        countAt = .zero
    }

    private func tell(_ kind: String, _ text: String, _ now: Instant) {
        guard let event = eventGate.pass(kind, text, at: now) else { return }
        _ = events.push(event)
    }

    private func count(at now: Instant) {
        guard now >= countAt else { return }
        countAt = now + Self.countPeriod
        guard let peers = (try? store.peers())?.map(\.fingerprint) else {
            current.unacknowledgedBytes = nil
            return
        }
        var bytes: UInt64 = 0
        var after: UInt64 = 0
        while true {
            guard
                let listing = try? source.listing(after: after, limit: SyncMessage.listingLimit)
            else {
                current.unacknowledgedBytes = nil
                return
            }
            for entry in listing.entries
            where !acknowledgements.anyHas(peers, segment: entry.number, of: listing.log) {
                bytes += entry.size
            }
            guard listing.hasMore, let last = listing.entries.last else { break }
            after = last.number
        }
        current.unacknowledgedBytes = bytes
    }

    private func publish() {
        current.connections = connections.count
        let shown = current
        picture.withLock { $0 = shown }
    }

    private func wait(since now: Instant) {
        var poller = Poller(waker: waker)
        var until = countAt
        if let listener {
            if now >= acceptAt {
                poller.watch(listener.descriptor, read: true)
            } else {
                until = min(until, acceptAt)
            }
        } else {
            until = min(until, listenAt)
        }
        for connection in connections {
            poller.watch(
                connection.stream.descriptor, read: connection.wantsInput,
                write: connection.hasOutput)
            until = min(until, connection.hasMore ? .zero : connection.deadline)
        }
        _ = poller.wait(timeout: max(.zero, until - Clocks.now))
    }
}
