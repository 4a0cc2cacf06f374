import Testing

/// The error of this type that `body` throws; nil, and an issue, where it throws none. What
/// `#expect(throws:)` gives back since Swift 6.1, for Debian 13's own as well.
func thrown<Failure: Error>(
    _ type: Failure.Type, sourceLocation: SourceLocation = #_sourceLocation,
    by body: () throws -> Void
) -> Failure? {
    do {
        try body()
    } catch let failure as Failure {
        return failure
    } catch {
        Issue.record("threw \(error)", sourceLocation: sourceLocation)
        return nil
    }
    Issue.record("threw nothing", sourceLocation: sourceLocation)
    return nil
}
