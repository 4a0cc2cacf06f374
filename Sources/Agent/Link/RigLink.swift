import Configuration
import Instruments
import Quantities
import Rig
import Synchronization
import World

/// What the steward asks of the rig.
enum RigRequest: Sendable {
    /// Run this condition.
    case run(ConditionOrder)
    /// An operator (or the steward itself) asks; the answer carries `ticket`.
    case operate([OperatorCommand], ticket: Int)
    /// Records cannot (nil: can again) be written.
    case log(failure: String?)
    /// Room for records runs short (nil: there is enough again).
    case logBudget(shortage: String?)
    /// The time of day jumped.
    case clockStepped(by: TimeSpan)
    /// Go by other settings, when they may change; told by `adopted`.
    case adopt(RigChange)
    /// Come to rest for good.
    case halt(reason: String)
}

/// What the rig tells the steward.
enum RigNews: Sendable {
    /// The controller's report.
    case report(RigReport)
    /// The rig is ready for an order; once each time it becomes so.
    case wantsOrder
    /// It was not any more when this order came.
    case declined(condition: Int)
    /// Other settings are in force, or could not be where the rig stands.
    case adopted(Bool)
    /// What became of a request of `ticket`.
    case answered(ticket: Int, text: Words)
    /// Turns of the schedule were left out since this was told the last time.
    case missedTurns(count: Int, worst: TimeSpan)
    /// The rig thread runs without something it was meant to have.
    case lost(String)
    /// The rig thread is over; whether every pump confirmed that it stands still.
    case ended(atRest: Bool)
}

/// News and when it was.
struct StampedNews: Sendable {
    var at: Instant
    var news: RigNews
}

/// Where the rig thread and the steward below it meet: bounded queues both ways, and pictures of
/// the moment that go round. Neither ever waits for the other.
final class RigLink: Sendable {
    /// News on their way at most: minutes of them at 20 droplets a second.
    static let newsCapacity = 4_096
    /// Requests on their way at most.
    static let requestCapacity = 32

    let requests = BoundedQueue<RigRequest>(capacity: requestCapacity)
    let news = BoundedQueue<StampedNews>(capacity: newsCapacity)
    let pictures: PictureExchange
    private let rigWaker: WakeHandle?
    private let stewardWaker: WakeHandle?

    /// A link between threads with these doorbells; none where both are one thread.
    init(settings: Settings, rigWaker: WakeHandle? = nil, stewardWaker: WakeHandle? = nil) {
        pictures = PictureExchange(
            pumps: settings.pumps.count, sensors: settings.sensors.count)
        self.rigWaker = rigWaker
        self.stewardWaker = stewardWaker
    }

    /// Steward: hands over `request`; false when the rig did not take the earlier ones.
    func ask(_ request: RigRequest) -> Bool {
        guard requests.push(request) else { return false }
        rigWaker?.signal()
        return true
    }

    /// Rig: there is news.
    func wakeSteward() { stewardWaker?.signal() }
}

/// The rig at one moment, for those who look at it from outside.
final class RigPicture: @unchecked Sendable {
    var state = RigState.connecting
    var holdWords = Words.text("")
    var condition: Int?
    var droplets = 0
    var flags = 0
    var pumps: [PumpState]
    var commanded: [FlowRate]
    var remaining: [Volume]
    var faults: [Fault] = []
    /// The last good value of every sensor, in configuration order; NaN where there is none that
    /// is fresh.
    var readings: [Double]

    /// Faults shown at most: the first ones say what happened.
    static let faultLimit = 32

    init(pumps count: Int, sensors: Int) {
        readings = Array(repeating: .nan, count: sensors)
        pumps = Array(repeating: PumpState(), count: count)
        commanded = Array(repeating: .zero, count: count)
        remaining = Array(repeating: .zero, count: count)
        faults.reserveCapacity(Self.faultLimit)
    }
}

/// A few pictures that go from the rig to the steward and back, so that none is ever made anew:
/// whoever took one owns it until it is handed on.
final class PictureExchange: Sendable {
    private static let count = 4
    private let blank = BoundedQueue<RigPicture>(capacity: count)
    private let drawn = BoundedQueue<RigPicture>(capacity: count)

    init(pumps: Int, sensors: Int = 0) {
        for _ in 0..<Self.count {
            _ = blank.push(RigPicture(pumps: pumps, sensors: sensors))
        }
    }

    /// Rig: a picture to draw on; nil while the steward looks at all of them.
    func takeBlank() -> RigPicture? { blank.pop() }

    /// Rig: the picture is drawn.
    func hand(_ picture: RigPicture) { _ = drawn.push(picture) }

    /// Steward: the latest picture, instead of `old`; `old` where there is no newer one.
    func latest(instead old: RigPicture?) -> RigPicture? {
        var held = old
        while let newer = drawn.pop() {
            if let held { _ = blank.push(held) }
            held = newer
        }
        return held
    }
}
