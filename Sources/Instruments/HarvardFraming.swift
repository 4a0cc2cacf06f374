import Quantities

/// Harvard's families, which speak one language with differences (DEVICES 1).
public enum HarvardModel: Equatable, Sendable {
    /// Pump 11 Elite, Pico Plus Elite.
    case elite
    /// KD Scientific Legato.
    case legato
    /// PHD ULTRA.
    case ultra
}

/// What a pump's prompt says it does (Elite manual pp. 52-53; DEVICES 1.2).
enum HarvardPrompt: String, CaseIterable, Equatable, Sendable {
    case idle = ":"
    case infusing = ">"
    case withdrawing = "<"
    case stalled = "*"
    case targetReached = "T*"
    /// Legato: limit switch while infusing…
    case limitInfusing = ">*"
    /// …and while withdrawing.
    case limitWithdrawing = "<*"

    /// The alarm it means, if any.
    var alarm: PumpAlarm? {
        switch self {
        case .stalled: .stalled
        case .targetReached: .targetReached
        case .limitInfusing, .limitWithdrawing: .limitSwitch
        case .idle, .infusing, .withdrawing: nil
        }
    }
}

/// Cuts what Harvard pumps send into replies. With polling on, every reply ends in XON
/// (DEVICES 1.2); without it a prompt `03:` could not be told from the start of a line of pump
/// 03. Bounded: what grows too long is garbage.
struct HarvardReader: ReplyReader {
    static let xon: UInt8 = 0x11
    /// The longest reply asked for here has two lines of at most 80 characters.
    static let maximumReply = 256

    /// The reply so far.
    private var bytes: [UInt8] = []

    var heldCount: Int { bytes.count }

    init() { bytes.reserveCapacity(Self.maximumReply + 1) }

    mutating func reset() { bytes.removeAll(keepingCapacity: true) }

    mutating func push(_ byte: UInt8, at now: Instant) -> Heard<HarvardReply>? {
        guard byte == Self.xon else {
            bytes.append(byte)
            guard bytes.count > Self.maximumReply else { return nil }
            reset()
            return .garbage(why: "no XON within \(Self.maximumReply) bytes")
        }
        let reply = HarvardReply(bytes)
        reset()
        return reply.map { .reply($0) } ?? .garbage(why: "not lines and a prompt")
    }
}
