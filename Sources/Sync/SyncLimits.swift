import Quantities

/// What the rig's end of the protocol puts up with.
public struct SyncLimits: Equatable, Sendable {
    /// Accepted peers served at once.
    public var peers = 4
    /// Connections at once that have not proved yet who they are. When every place is taken, the
    /// one waiting longest gives its own to the next.
    public var strangers = 8
    /// Connections taken within a minute, from everywhere…
    public var connectionsPerMinute = 60
    /// …and from one address, so that one machine cannot use up the others' share.
    public var connectionsPerAddress = 20
    /// Longest request, in bytes.
    public var requestSize = SyncMessage.requestLimit
    /// Content of one piece of a segment, in bytes.
    public var pieceSize = 128 * 1024
    /// Bytes under way to one peer, above which nothing more is read from the disk.
    public var bytesInFlight = 512 * 1024
    /// Time from the connection to the end of the TLS handshake…
    public var handshakeTime = TimeSpan.seconds(10)
    /// …from there to a complete first request, and between requests…
    public var idleTime = TimeSpan.seconds(60)
    /// …for a peer to take the next `stallBytes` of an answer…
    public var stallTime = TimeSpan.seconds(60)
    /// …and of a connection in all.
    public var totalTime = TimeSpan.seconds(6 * 3_600)
    /// How much of an answer a peer must take within `stallTime`.
    public var stallBytes = 32 * 1024
    /// Events for the log within an hour; the rest is counted.
    public var eventsPerHour = 60

    /// The documented defaults.
    public init() {}
}
