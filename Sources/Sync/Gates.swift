import Quantities

/// So much within a time, evenly refilled.
struct TokenBucket {
    private let capacity: Double
    private let perSecond: Double
    private var level: Double
    private var filledAt: Instant

    init(_ capacity: Int, per span: TimeSpan, at now: Instant) {
        self.capacity = Double(capacity)
        perSecond = Double(capacity) / span.seconds
        level = Double(capacity)
        filledAt = now
    }

    /// Takes one; false when there is none.
    mutating func take(at now: Instant) -> Bool {
        fill(at: now)
        guard level >= 1 else { return false }
        level -= 1
        return true
    }

    /// Whether nothing was taken for so long that it is full.
    mutating func isFull(at now: Instant) -> Bool {
        fill(at: now)
        return level >= capacity
    }

    private mutating func fill(at now: Instant) {
        level = min(capacity, level + max(0, (now - filledAt).seconds) * perSecond)
        filledAt = now
    }
}

/// Which connections are taken at all: so many a minute, and fewer from one address.
struct ConnectionGate {
    /// Addresses told apart; when more come at once, new ones share what is left to all.
    static let addressLimit = 256
    /// How often those that asked for nothing lately are forgotten, when there are so many.
    private static let sweepPeriod = TimeSpan.seconds(1)
    private let perAddress: Int
    private var all: TokenBucket
    private var addresses: [String: TokenBucket] = [:]
    private var sweepAt = Instant.zero

    /// How many addresses are told apart now.
    var rememberedAddresses: Int { addresses.count }

    init(_ limits: SyncLimits, at now: Instant) {
        perAddress = limits.connectionsPerAddress
        all = TokenBucket(limits.connectionsPerMinute, per: .seconds(60), at: now)
    }

    mutating func admits(_ address: String, at now: Instant) -> Bool {
        if addresses[address] == nil {
            // Now and then is enough: under a flood of addresses every call would look at all.
            if addresses.count >= Self.addressLimit, now >= sweepAt {
                sweepAt = now + Self.sweepPeriod
                for key in addresses.keys where addresses[key]?.isFull(at: now) == true {
                    addresses[key] = nil
                }
            }
            if addresses.count < Self.addressLimit {
                addresses[address] = TokenBucket(perAddress, per: .seconds(60), at: now)
            }
        }
        // One address' own share first: what it asks too much costs the others nothing.
        guard addresses[address]?.take(at: now) ?? true else { return false }
        return all.take(at: now)
    }
}

/// Something worth a line in the log.
public struct SyncEvent: Equatable, Sendable {
    /// `sync-pull`, `sync-refused` or `sync-trouble`.
    public var kind: String
    /// What happened.
    public var text: String
}

/// Lets so many events an hour through and counts the rest.
struct EventGate {
    private var bucket: TokenBucket
    private var suppressed = 0

    init(_ limits: SyncLimits, at now: Instant) {
        bucket = TokenBucket(limits.eventsPerHour, per: .seconds(3_600), at: now)
    }

    /// The event as it may be told; nil when it is only counted.
    mutating func pass(_ kind: String, _ text: String, at now: Instant) -> SyncEvent? {
        guard bucket.take(at: now) else {
            suppressed += 1
            return nil
        }
        defer { suppressed = 0 }
        let rest = suppressed > 0 ? "; \(suppressed) more events before it were not told" : ""
        return SyncEvent(kind: kind, text: text + rest)
    }
}
