import Campaign
import Configuration

/// Somebody who decides the next run. Asked once, answers when ready.
protocol Thinker: AnyObject {
    /// Decide this. One question at a time.
    func ask(_ request: PlanRequest)
    /// The next question is for `planner`. Only while none is open.
    func use(_ planner: Planner)
    /// The answer, once, when there is one.
    func takeAnswer() -> Result<Decision, PlannerError>?
}

/// Decides at once, in the caller's thread: for the virtual clock.
final class DirectThinker: Thinker {
    private var planner: Planner
    private var answer: Result<Decision, PlannerError>?

    init(planner: Planner) { self.planner = planner }

    func use(_ planner: Planner) { self.planner = planner }

    func ask(_ request: PlanRequest) { answer = planner.answer(request) }

    func takeAnswer() -> Result<Decision, PlannerError>? {
        defer { answer = nil }
        return answer
    }
}

extension Planner {
    /// The decision, or why there is none.
    func answer(_ request: PlanRequest) -> Result<Decision, PlannerError> {
        do throws(PlannerError) { return .success(try decide(request)) } catch {
            return .failure(error)
        }
    }
}
