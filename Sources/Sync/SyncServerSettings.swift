import Quantities
import World

/// How the rig serves its log.
public struct SyncServerSettings: Sendable {
    /// Where it listens.
    public var address: NetworkAddress
    /// Folder of its identity, its peers and what they acknowledged.
    public var directory: String
    /// What it calls itself.
    public var name: String
    /// What it puts up with.
    public var limits: SyncLimits

    /// A server at `address`.
    public init(
        address: NetworkAddress, directory: String, name: String, limits: SyncLimits = SyncLimits()
    ) {
        self.address = address
        self.directory = directory
        self.name = name
        self.limits = limits
    }
}

/// What `argent status` shows of the server.
public struct SyncStatus: Equatable, Sendable {
    /// Where it listens; empty while it cannot.
    public var listening = ""
    /// Why it does not listen; empty when it does.
    public var problem = ""
    /// Connections at the moment.
    public var connections = 0
    /// Connections refused or shed since the start.
    public var refused = 0
    /// When a peer last acknowledged something, in this process.
    public var lastPull: WallTime?
    /// Who that was.
    public var lastPeer = ""
    /// Bytes of sealed segments that no accepted peer has; nil where that cannot be told.
    public var unacknowledgedBytes: UInt64?

    /// Nothing known.
    public init() {}
}

/// Why the server cannot be made.
public enum SyncServerError: Error, Equatable, CustomStringConvertible {
    /// The kernel refuses.
    case world(WorldError)
    /// OpenSSL refuses.
    case tls(TLSFailure)

    /// What refuses, and how.
    public var description: String {
        switch self {
        case .world(let error): "\(error)"
        case .tls(let error): "\(error)"
        }
    }
}
