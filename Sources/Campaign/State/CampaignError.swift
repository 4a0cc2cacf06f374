/// Why an input does not fit the campaign's state. The state is unchanged.
public enum CampaignError: Error, Equatable, CustomStringConvertible {
    /// A decision for another run than the one awaited.
    case decisionOutOfTurn(run: Int, awaited: Int?)
    /// A decision that does not fit the settings: recipe `index` (from 0) of it cannot be made.
    case decisionRecipe(index: Int, RecipeError)
    /// A decision with no recipe, too many, or bounds of the wrong length.
    case decisionMalformed(String)
    /// A decision that rests on other conditions than the campaign knows.
    case decisionBasis(found: [Int], known: [Int])
    /// No condition has this number.
    case unknownCondition(number: Int)
    /// The condition has ended already.
    case conditionEnded(number: Int)
    /// The condition was reported with another recipe than the decision gave it.
    case recipeDiffers(number: Int)
    /// A loss that is not finite; report the condition as failed instead.
    case lossNotFinite(number: Int)

    /// What is wrong, and what to do about it.
    public var description: String {
        switch self {
        case .decisionOutOfTurn(let run, let awaited?):
            "a decision for run \(run) came while run \(awaited) was awaited"
        case .decisionOutOfTurn(let run, nil):
            "a decision for run \(run) came while none was awaited"
        case .decisionRecipe(let index, let error):
            "recipe \(index + 1) of the decision does not fit the configuration: \(error); "
                + "continue this campaign with the configuration it was started with"
        case .decisionMalformed(let what): "the decision is malformed: \(what)"
        case .decisionBasis(let found, let known):
            "the decision rests on conditions \(found), but \(known) are known; "
                + "part of the log is missing"
        case .unknownCondition(let number): "no decision has a condition \(number)"
        case .conditionEnded(let number): "condition \(number) has ended already"
        case .recipeDiffers(let number):
            "condition \(number) was reported with another recipe than was decided"
        case .lossNotFinite(let number):
            "the loss of condition \(number) is not finite; report it as failed"
        }
    }
}
