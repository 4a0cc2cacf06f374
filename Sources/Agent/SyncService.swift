import Configuration
import Quantities
import RunLog
import Sync
import World

/// Offers the run log to workstations, as `[sync]` says. The server has its own thread; the rig
/// thread only takes events from its queue.
public final class SyncService {
    /// Events taken in one turn of the rig thread at most.
    private static let eventsPerTurn = 4

    /// The rig's key, which signs segments; nil where nobody listens and none was ever made.
    public let identity: TLSIdentity?
    /// Who has which segment; nil where nobody listens.
    public let acknowledgements: Acknowledgements?
    /// Who may pull.
    let peerStore: PeerStore
    private let server: SyncServer?

    /// Takes key and list of acknowledgements from the disk, making what is not there.
    ///
    /// - Throws: `AgentError.sync`.
    public init(_ job: CampaignJob) throws(AgentError) {
        let settings = job.settings.sync
        peerStore = PeerStore(directory: settings.identity)
        do throws(IdentityError) {
            identity =
                settings.listen.isEmpty
                ? try TLSIdentity.find(directory: settings.identity)
                : try TLSIdentity.take(directory: settings.identity)
        } catch { throw .sync("\(error)") }
        guard !settings.listen.isEmpty, let identity else {
            acknowledgements = nil
            server = nil
            return
        }
        guard let address = NetworkAddress(settings.listen) else {
            throw .sync("listen = \"\(settings.listen)\" is no address with a port")
        }
        let name = settings.name.isEmpty ? job.settings.campaign.name : settings.name
        do throws(WorldError) {
            acknowledgements = try Acknowledgements(directory: settings.identity)
        } catch { throw .sync("\(error)") }
        guard let acknowledgements else { throw .sync("no acknowledgements") }
        do throws(SyncServerError) {
            server = try SyncServer(
                SyncServerSettings(
                    address: address, directory: settings.identity, name: name,
                    limits: SyncLimits(settings)),
                identity: identity, acknowledgements: acknowledgements,
                source: DirectorySegments(path: job.logDirectory))
        } catch { throw .sync("\(error)") }
    }

    /// Starts to listen.
    func start() throws(AgentError) {
        do throws(SyncServerError) { try server?.start() } catch { throw .sync("\(error)") }
    }

    /// Hangs up and ends the thread.
    func stop() { server?.stop() }

    /// The picture of the moment; nil where nobody listens.
    var status: SyncStatus? { server?.status }

    /// Writes down what happened since the last call.
    func report(to director: Director) {
        for _ in 0..<Self.eventsPerTurn {
            guard let event = server?.events.pop() else { return }
            director.record(.event(kind: event.kind, text: event.text))
        }
    }
}

extension SyncLimits {
    /// The limits of `[sync]`.
    public init(_ settings: SyncSettings) {
        self.init()
        peers = settings.peers
        connectionsPerMinute = settings.connectionsPerMinute
        connectionsPerAddress = max(1, settings.connectionsPerMinute / 3)
        handshakeTime = settings.handshakeLimit
        idleTime = settings.idleLimit
        stallTime = settings.idleLimit
        totalTime = settings.connectionLimit
        bytesInFlight = settings.bytesInFlight
    }
}
