import Numerics
import Testing

@testable import argent_fuzz

/// A short slice of what `argent-fuzz` does at length.
@Suite struct FuzzSliceTests {
    @Test(arguments: ArgentFuzz.all.map(\.name)) func firstInputsBreakNothing(name: String) throws {
        let fuzzer = try #require(ArgentFuzz.all.first { $0.name == name })
        var campaign = FuzzCampaign()
        campaign.count = 400
        campaign.seconds = 2
        // Other tests run beside this one; the program watches it.
        campaign.watchesMemory = false
        let summary = try campaign.run(fuzzer)
        #expect(summary.failure == nil, "\(summary.text)")
        // Both happen, or the inputs reach nothing.
        #expect(summary.accepted > 0 && summary.refused > 0, "\(summary.text)")
    }

    @Test func nameSeedAndIndexMakeTheInput() throws {
        let fuzzer = try #require(ArgentFuzz.all.first)
        func input(seed: UInt64, _ index: Int) throws -> [UInt8] {
            var random = fuzzer.generator(seed: seed, index: index)
            return try fuzzer.make().input(&random)
        }
        let first = try input(seed: 1, 17)
        #expect(try input(seed: 1, 17) == first)
        #expect(try input(seed: 1, 18) != first)
        #expect(try input(seed: 2, 17) != first)
    }

    @Test func aBrokenPromiseIsNamed() throws {
        let fuzzer = Fuzzer(name: "test/broken") {
            Fuzzer.Trial(
                input: { [UInt8(truncatingIfNeeded: $0.next())] },
                run: { bytes, _ in
                    if bytes[0] < 8 { throw FuzzFailure("below 8") }
                    return bytes[0] < 128 ? .accepted : .refused
                })
        }
        let summary = try FuzzCampaign(seed: 3, count: 10_000).run(fuzzer)
        let failure = try #require(summary.failure)
        #expect(failure.what == "below 8" && failure.index == summary.inputs - 1)
        #expect(summary.accepted + summary.refused == summary.inputs - 1)
        var random = fuzzer.generator(seed: 3, index: failure.index)
        #expect(try fuzzer.make().input(&random)[0] < 8)
    }

    @Test func memoryIsBounded() throws {
        final class Hoard { var kept: [[UInt8]] = [] }
        var fuzzer = Fuzzer(name: "test/hoarder") {
            let hoard = Hoard()
            return Fuzzer.Trial(
                input: { _ in [] },
                run: { _, _ in
                    hoard.kept.append([UInt8](repeating: 1, count: 1 << 20))
                    return .accepted
                })
        }
        fuzzer.memoryLimit = 64 << 20
        let summary = try FuzzCampaign(seed: 1, count: 512).run(fuzzer)
        #expect(summary.failure != nil && summary.inputs < 512)
    }
}
