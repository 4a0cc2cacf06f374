import Configuration
import Foundation
import Numerics
import TestSupport
import Testing

@testable import Spectra

/// A watch that expectations can call: macros do not let a value change.
private final class Watching {
    private var watch: DropletWatch

    init(points: Int, step: Double, settings: DropletSettings) {
        watch = DropletWatch(points: points, step: step, settings: settings)
    }

    func begin(expected: [Float] = [], spread: Double = 0) -> Bool {
        watch.begin(expected: expected, spread: spread)
    }

    func judge(_ absorbance: [Double]) -> [DropletWatch.Departure] { watch.judge(absorbance) }
}

@Suite struct DropletWatchTests {
    static let points = 421

    /// Two bands on a slope, like prisms beside a precursor, with a little noise.
    static func spectrum(
        amplitude: Double = 1, shift: Double = 0, _ random: inout SeededGenerator
    ) -> [Double] {
        (0..<points).map { point in
            let x = Double(point) - shift
            let bands = exp(-pow((x - 220) / 60, 2)) + 0.4 * exp(-pow((x - 30) / 40, 2))
            return amplitude * (0.6 * bands + 0.1) + 0.002 * random.normal()
        }
    }

    private static func watch(
        _ change: (inout DropletSettings) -> Void = { _ in }
    ) -> Watching {
        var settings = DropletSettings()
        change(&settings)
        return Watching(points: points, step: 1, settings: settings)
    }

    @Test func dropletsThatAgreeOrDriftAreNotFlagged() {
        var random = SeededGenerator(seed: 1)
        let watch = Self.watch()
        #expect(watch.begin())
        for index in 0..<60 {
            // Twice as much at the end as at the start, but slowly; 3 % from one to the next.
            let amplitude = (1 + Double(index) / 60) * (1 + 0.03 * random.normal())
            let found = watch.judge(Self.spectrum(amplitude: amplitude, &random))
            #expect(found.isEmpty, "\(index): \(found)")
        }
    }

    /// The bad droplet is named wherever it comes: the first four when the fourth has passed.
    @Test(arguments: 0..<12) func theBadOneIsNamed(bad: Int) throws {
        var random = SeededGenerator(seed: 2)
        let watch = Self.watch()
        #expect(watch.begin())
        for index in 0..<12 {
            let amplitude = index == bad ? 0.5 : 1.0
            let found = watch.judge(Self.spectrum(amplitude: amplitude, &random))
            guard index == max(bad, 3) else {
                #expect(found.isEmpty, "\(index): \(found)")
                continue
            }
            let flag = try #require(found.first)
            #expect(found.count == 1)
            #expect(flag.index == bad)
            #expect(flag.peers == .neighbours)
            #expect(abs(flag.amplitude - 0.5) < 0.01)
            #expect(flag.shape < 0.1)
            #expect(abs(flag.allowedAmplitude - 1.35) < 1e-12)
        }
    }

    /// Amplitude ratio and angle by another way: whole vectors, arc cosine.
    @Test func departuresAreWhatTheySay() throws {
        var random = SeededGenerator(seed: 3)
        let watch = Self.watch {
            $0.flagAmplitude = 0.01
            $0.flagShape = 0.001
            $0.flagMultiple = 0
        }
        #expect(watch.begin())
        let usual = Self.spectrum(&random)
        for _ in 0..<4 { #expect(watch.judge(usual).isEmpty) }
        let odd = Self.spectrum(amplitude: 1.3, shift: 20, &random)
        let flag = try #require(watch.judge(odd).first)
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map(*).reduce(0, +) }
        func slopes(_ a: [Double]) -> [Double] { (20..<a.count).map { a[$0] - a[$0 - 20] } }
        #expect(abs(flag.amplitude - dot(odd, usual) / dot(usual, usual)) < 1e-9)
        let (a, b) = (slopes(odd), slopes(usual))
        let angle = acos(dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot())
        #expect(abs(flag.shape - tan(angle)) < 1e-9)
    }

    @Test func aStepIsFlaggedUntilItIsTheUsual() {
        var random = SeededGenerator(seed: 4)
        let watch = Self.watch()
        #expect(watch.begin())
        var flagged: [Int] = []
        for index in 0..<40 {
            let spectrum = Self.spectrum(amplitude: index < 20 ? 1 : 0.5, &random)
            flagged += watch.judge(spectrum).map(\.index)
        }
        // With four of eight neighbours on the new level their median is half way.
        #expect(flagged.first == 20)
        #expect(flagged.count >= 3 && flagged.count <= 5, "\(flagged)")
    }

    @Test func aConditionStartsAfresh() {
        var random = SeededGenerator(seed: 5)
        let watch = Self.watch()
        for amplitude in [1, 0.3, 2.0] {
            #expect(watch.begin())
            for _ in 0..<10 {
                let found = watch.judge(Self.spectrum(amplitude: amplitude, &random))
                #expect(found.isEmpty)
            }
        }
    }

    @Test func oddInputGivesNoFlagsAndNoCrash() {
        var random = SeededGenerator(seed: 6)
        let watch = Self.watch()
        #expect(watch.begin())
        let nothing = [Double](repeating: 0, count: Self.points)
        let invalid = [Double](repeating: .nan, count: Self.points)
        for _ in 0..<6 { #expect(watch.judge(nothing).isEmpty) }
        for _ in 0..<12 { #expect(watch.judge(invalid).isEmpty) }
        #expect(watch.judge([]).isEmpty)
        #expect(watch.judge([1, 2]).isEmpty)
        #expect(watch.judge([Double](repeating: 1e300, count: Self.points)).isEmpty)
        for points in [-1, 0, 1, 2, 3] {
            let tiny = Watching(points: points, step: 0, settings: DropletSettings())
            #expect(tiny.begin())
            for _ in 0..<12 {
                #expect(tiny.judge([Double](repeating: 1, count: max(0, points))).isEmpty)
            }
        }
        // A tenth of the points invalid in each, at other places: the others are enough.
        #expect(watch.begin())
        for index in 0..<12 {
            var spectrum = Self.spectrum(amplitude: index == 9 ? 0.5 : 1, &random)
            for _ in 0..<42 { spectrum[random.below(Self.points)] = .nan }
            #expect(watch.judge(spectrum).map(\.index) == (index == 9 ? [9] : []))
        }
    }

    @Test func comparesWithWhatWasExpected() throws {
        var random = SeededGenerator(seed: 7)
        let watch = Self.watch()
        let expected = Self.spectrum(&random)
        #expect(watch.begin(expected: expected.map(Float.init), spread: 0.05))
        #expect(watch.judge(Self.spectrum(amplitude: 1.1, &random)).isEmpty)
        // 20 % above: four usual errors, flagged beyond three, from the first droplet on.
        let flag = try #require(watch.judge(Self.spectrum(amplitude: 1.2, &random)).first)
        #expect(flag.peers == .network)
        #expect(flag.index == 1)
        #expect(abs(flag.shape - 0.2) < 0.005)
        #expect(abs(flag.amplitude - 1.2) < 0.005)
        #expect(abs(flag.allowedShape - 0.15) < 1e-12)
        let floats = expected.map(Float.init)
        #expect(!watch.begin(expected: Array(floats.dropLast()), spread: 0.05))
        #expect(!watch.begin(expected: floats.dropLast() + [.nan], spread: 0.05))
        #expect(!watch.begin(expected: floats, spread: 0))
        #expect(!watch.begin(expected: floats, spread: .nan))
        #expect(!watch.begin(expected: floats.map { _ in 0 }, spread: 0.05))
        #expect(watch.judge(Self.spectrum(amplitude: 5, &random)).isEmpty)
    }
}

/// On the 315 published spectra: how often a droplet as it was measured is flagged, and whether
/// known faults put among them are.
@Suite struct DropletWatchPublishedTests {
    static let published = SharedData.path("agbonn/run1_droplet_spectra.csv")

    /// The droplets of each of the 15 conditions.
    static func conditions() throws -> [[[Double]]] {
        let text = try String(contentsOfFile: #require(published), encoding: .utf8)
        let table = try SpectraTable.parse(text)
        let names = text.split(separator: "\n").dropFirst().map { $0.prefix { $0 != "," } }
        var conditions: [[[Double]]] = []
        for (index, row) in table.rows.enumerated() {
            if index == 0 || names[index] != names[index - 1] { conditions.append([]) }
            conditions[conditions.count - 1].append(row)
        }
        return conditions
    }

    private static func flags(_ droplets: [[Double]], _ watch: Watching) -> [Int] {
        guard watch.begin() else { return [] }
        return droplets.flatMap { watch.judge($0) }.map(\.index)
    }

    /// The spectrum 20 nm redder or bluer; the ends are repeated.
    static func moved(_ spectrum: [Double], by points: Int) -> [Double] {
        spectrum.indices.map { spectrum[min(max($0 - points, 0), spectrum.count - 1)] }
    }

    @Test(.enabled(if: published != nil)) func flagsFaultsAndHardlyAnythingElse() throws {
        let conditions = try Self.conditions()
        #expect(conditions.count == 15)
        let watch = Watching(points: 421, step: 1, settings: DropletSettings())
        let asMeasured = conditions.map { Self.flags($0, watch) }
        let flagged = asMeasured.map(\.count).reduce(0, +)
        if getenv("ARGENT_FIGURES") != nil { print("flagged as measured: \(asMeasured)") }
        // Six of 315, among them some that really are half or twice their neighbours.
        #expect(flagged <= 7, "\(asMeasured)")

        typealias Fault = (name: String, make: ([Double], _ before: [Double]) -> [Double])
        let faults: [Fault] = [
            ("half", { spectrum, _ in spectrum.map { $0 / 2 } }),
            ("redder", { spectrum, _ in Self.moved(spectrum, by: 20) }),
            ("bluer", { spectrum, _ in Self.moved(spectrum, by: -20) }),
            ("carry-over", { _, before in before }),
            (
                "clipped",
                { spectrum, _ in
                    let level = 0.7 * (spectrum.max() ?? 0)
                    return spectrum.map { min($0, level) }
                }
            ),
        ]
        for fault in faults {
            var (found, all) = (0, 0)
            for (index, droplets) in conditions.enumerated() {
                let before = conditions[(index + conditions.count - 1) % conditions.count]
                // Every seventh place, another phase in each condition.
                for place in stride(from: index % 7, to: droplets.count, by: 7) {
                    var changed = droplets
                    changed[place] = fault.make(droplets[place], before[before.count / 2])
                    all += 1
                    if Self.flags(changed, watch).contains(place) { found += 1 }
                }
            }
            if getenv("ARGENT_FIGURES") != nil { print("\(fault.name): \(found) of \(all)") }
            #expect(Double(found) >= 0.9 * Double(all), "\(fault.name): \(found) of \(all)")
        }
    }
}
