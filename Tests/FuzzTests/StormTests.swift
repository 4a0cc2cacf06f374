import Configuration
import Testing

@testable import argent_fuzz

/// A slice of `argent-fuzz interlocks/storm`: nothing is broken, much happens, and a rig that
/// does not react is caught.
@Suite struct StormTests {
    @Test func aSliceOfStormsBreaksNothingAndFiresMuch() throws {
        let storm = try InterlockStorm()
        try Self.play(storm, storms: 24)
        #expect(storm.tally.events == 24 * InterlockStorm.events)
        #expect(storm.tally.hazards.count >= 14, "\(storm.tally.text)")
        #expect(2 * storm.tally.stormsWithChemistry > storm.tally.storms, "\(storm.tally.text)")
        #expect(storm.tally.restarts > 0)
    }

    @Test(arguments: [Hazard.temperature, .outOfRange, .leak])
    func aRigThatDoesNotReactIsCaught(hazard: Hazard) throws {
        let storm = try InterlockStorm(deafTo: hazard)
        var caught = ""
        do { try Self.play(storm, storms: 120) } catch let failure as FuzzFailure {
            caught = failure.description
        }
        #expect(caught.contains(hazard.rawValue), "caught: \(caught)")
    }

    private static func play(_ storm: InterlockStorm, storms: Int) throws {
        let fuzzer = try #require(interlockFuzzers.first)
        for index in 0..<storms {
            var random = fuzzer.generator(seed: 1, index: index)
            _ = try storm.run(storm.trial.input(&random))
        }
    }
}
