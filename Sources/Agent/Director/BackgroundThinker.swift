import Campaign
import Synchronization
import World

/// Decides on a thread of its own, behind everything else, so that pumps are kept alive while
/// it thinks.
final class BackgroundThinker: Thinker {
    /// How far the thread stands back.
    static let niceness = 10

    /// Where the thread leaves its answer.
    private final class Box: Sendable {
        let answer = Mutex<Result<Decision, PlannerError>?>(nil)
    }

    private var planner: Planner
    private let waker: WakeHandle
    private let box = Box()
    private var thread: Thread?

    /// A thinker that rings `waker` when it is done.
    init(planner: Planner, waker: WakeHandle) {
        self.planner = planner
        self.waker = waker
    }

    func use(_ planner: Planner) { self.planner = planner }

    func ask(_ request: PlanRequest) {
        thread?.join()
        let planner = planner
        let box = box
        let waker = waker
        do throws(WorldError) {
            thread = try Thread.start(name: "thinker", schedule: .nice(Self.niceness)) {
                let answer = planner.answer(request)
                box.answer.withLock { $0 = answer }
                waker.signal()
            }
        } catch {
            // No thread to be had: late is better than never.
            thread = nil
            box.answer.withLock { $0 = planner.answer(request) }
        }
    }

    func takeAnswer() -> Result<Decision, PlannerError>? {
        box.answer.withLock { answer in
            defer { answer = nil }
            return answer
        }
    }

    deinit { thread?.join() }
}
