import Configuration
import Instruments
import Quantities
import Rig
import Spectra
import World

/// The rig thread without a campaign: for programs that measure it. Whoever holds the trial is
/// the steward: it gives orders, reads the news, and may take its time.
package final class RigTrial {
    /// What the rig's thread measures of itself.
    package let meter = RigMeter()
    /// What the thread runs without; one line each.
    package private(set) var lost: [String] = []
    /// Reports so far.
    package private(set) var reports = 0
    /// The last fault that was told.
    package private(set) var lastFault = ""
    /// Droplets so far.
    package private(set) var droplets = 0
    /// The rig wants an order.
    package private(set) var wantsOrder = false

    private let link: RigLink
    private let thread: RigThread
    private let rig: RigLoop
    private var picture: RigPicture?

    /// A rig of `settings` in `world`, whose bell is `rigBell`; `bell` rings when there is news.
    package init(
        world: any World, rigBell: WakeHandle, bell: WakeHandle, settings: Settings, loss: Loss,
        probe: (any RigProbe)?
    ) throws(LineSetupError) {
        link = RigLink(settings: settings, rigWaker: rigBell, stewardWaker: bell)
        rig = try RigLoop(
            world: world, settings: settings, loss: loss, remaining: [], meter: meter)
        thread = RigThread(rig: rig, link: link, settings: settings.realtime)
        thread.probe = probe
        thread.picturePeriod = Self.picturePeriod
    }

    /// What is measured shall not wait for the next picture.
    private static let picturePeriod = TimeSpan.milliseconds(20)

    /// Starts the rig's thread.
    package func start() throws(WorldError) { try thread.start() }

    /// Takes the news; returns what the rig does, by its latest picture.
    package func look() -> RigState {
        while let item = link.news.pop() {
            switch item.news {
            case .lost(let text): lost.append(text)
            case .wantsOrder: wantsOrder = true
            case .report(let report):
                reports += 1
                if case .fault(let fault) = report { lastFault = fault.text }
                if case .droplet = report { droplets += 1 }
            default: break
            }
        }
        picture = link.pictures.latest(instead: picture)
        return picture?.state ?? .connecting
    }

    /// Whether every pump says that it infuses.
    package var allRun: Bool {
        picture?.pumps.allSatisfy {
            if case .infusing = $0.actual { true } else { false }
        } ?? false
    }

    /// Orders a condition.
    package func order(_ order: ConditionOrder) {
        wantsOrder = false
        _ = link.ask(.run(order))
    }

    /// Asks the rig as an operator would.
    package func operate(_ command: OperatorCommand) {
        _ = link.ask(.operate([command], ticket: 0))
    }

    /// Brings the rig to rest and ends its thread.
    package func end() {
        while !link.ask(.halt(reason: "the trial is over")) { _ = look() }
        while !thread.isOver {
            _ = look()
            Clocks.sleep(.milliseconds(1))
        }
        thread.join()
        _ = look()
        rig.close()
    }
}
