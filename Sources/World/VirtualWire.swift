import Quantities

/// One direction of a simulated serial line: bytes leave one after the other, 10 bits each (start,
/// 8 data, stop), and arrive in portions like those of a UART's FIFO.
struct VirtualWire {
    /// A portion in flight.
    private struct Portion {
        var count: Int
        var baud: Int
        var arrival: Instant
    }
    /// Largest portion handed over at once, in bytes.
    static let portionLimit = 64

    private var bytes = ByteQueue()
    private var portions: [Portion] = []
    private var head = 0
    private var burstStart = Instant.zero
    private var burstCount: Int64 = 0
    private var burstBaud = 0
    private var noise: UInt8 = 0x5A
    /// When the last byte accepted so far arrives.
    private(set) var busyUntil = Instant.zero
    /// When the next portion arrives; `.distantFuture` when nothing is in flight.
    private(set) var nextArrival = Instant.distantFuture

    /// Bytes accepted that have not arrived yet.
    var inFlight: Int { bytes.count }

    /// Puts `data` on the wire behind what is on it already.
    mutating func send<Data: Collection>(_ data: Data, baud: Int, at now: Instant)
    where Data.Element == UInt8 {
        guard !data.isEmpty, baud > 0 else { return }
        if busyUntil <= now || baud != burstBaud {
            burstStart = max(now, busyUntil)
            burstCount = 0
            burstBaud = baud
        }
        bytes.append(data)
        var left = data.count
        while left > 0 {
            let count = min(left, Self.portionLimit)
            left -= count
            burstCount += Int64(count)
            // From the start of the burst, so that roundings do not add up.
            let span = TimeSpan(nanoseconds: burstCount * 10_000_000_000 / Int64(baud))
            busyUntil = burstStart + span
            portions.append(Portion(count: count, baud: baud, arrival: busyUntil))
        }
        nextArrival = portions[head].arrival
    }

    /// Hands the portion that has arrived to `take`, as noise when it was sent at another speed
    /// than `listening`.
    mutating func deliver(listening: Int, _ take: (ArraySlice<UInt8>) -> Void) {
        guard head < portions.count else { return }
        let portion = portions[head]
        head += 1
        if portion.baud == listening {
            take(bytes.first(portion.count))
        } else {
            take(scrambled(bytes.first(portion.count)))
        }
        bytes.drop(portion.count)
        if head == portions.count {
            portions.removeAll(keepingCapacity: true)
            head = 0
            nextArrival = .distantFuture
        } else {
            if head >= 256 {
                portions.removeFirst(head)
                head = 0
            }
            nextArrival = portions[head].arrival
        }
    }

    /// Cuts the wire: what is in flight is lost.
    mutating func cut() {
        bytes.removeAll()
        portions.removeAll(keepingCapacity: true)
        head = 0
        busyUntil = .zero
        nextArrival = .distantFuture
    }

    /// Deterministic noise in which no byte is the one that was sent.
    private mutating func scrambled(_ sent: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var heard: [UInt8] = []
        heard.reserveCapacity(sent.count)
        for byte in sent {
            noise = noise &* 73 &+ 41
            heard.append(byte ^ (noise | 0x80))
        }
        return heard[...]
    }
}
