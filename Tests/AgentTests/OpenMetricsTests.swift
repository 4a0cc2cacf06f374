import Configuration
import Quantities
import Testing
import World

@testable import Agent
@testable import Rig

@Suite("OpenMetrics text")
struct OpenMetricsTests {
    @Test("labels are escaped, numbers have all their digits, and what is missing is left out")
    func text() {
        var out = OpenMetrics()
        out.begin("a_seconds", .gauge, unit: "seconds", "What \"a\" is.")
        out.sample("", [("name", "oil \"left\" \\ 1\n"), ("b", "µ")], 0.1)
        out.sample("", [("name", "x")], .nan)
        out.sample("", [("name", "y")], .infinity)
        out.sample("", [("name", "z")], nil)
        out.counter("turns", "Turns.", 9_007_199_254_740_991)
        out.gauge("small", "Small.", 1e-9)
        out.gauge("is", "Is.", is: true)
        #expect(
            out.finish() == """
                # TYPE a_seconds gauge
                # UNIT a_seconds seconds
                # HELP a_seconds What \\"a\\" is.
                a_seconds{name="oil \\"left\\" \\\\ 1\\n",b="µ"} 0.1
                # TYPE turns counter
                # HELP turns Turns.
                turns_total 9007199254740991.0
                # TYPE small gauge
                # HELP small Small.
                small 1e-09
                # TYPE is gauge
                # HELP is Is.
                is 1
                # EOF

                """)
    }

    @Test("the histogram of lateness counts exactly, and adds up")
    func histogram() throws {
        let lateness = DurationHistogram()
        let spans: [Int64] = [0, 1, 999, 1_023, 1_024, 2_047, 5_000, 65_535, 65_536, 2_000_000_000]
        for span in spans { lateness.note(TimeSpan(nanoseconds: span)) }
        var status = Status()
        status.state = RigState.ready.rawValue
        let text = AgentMetrics.text(
            status, lateness: lateness, version: "1.2.3", now: WallTime(unixNanoseconds: 5))
        func value(_ start: String) -> Double? {
            text.split(separator: "\n").first { $0.hasPrefix(start + " ") }
                .flatMap { Double($0.dropFirst(start.count + 1)) }
        }
        let name = "argent_rig_lateness_seconds"
        for exponent in AgentMetrics.edges {
            let edge = (Int64(1) << Int64(exponent)) - 1
            let expected = spans.filter { $0 <= edge }.count
            let found = value("\(name)_bucket{le=\"\(Double(edge) / 1e9)\"}")
            #expect(found == Double(expected), "\(edge)")
        }
        #expect(value("\(name)_bucket{le=\"+Inf\"}") == 10)
        #expect(value("\(name)_count") == 10)
        let sum = try #require(value("\(name)_sum"))
        #expect(abs(sum - Double(spans.reduce(0, +)) / 1e9) < 1e-9)
        #expect(value("argent_state{state=\"ready\"}") == 1)
        #expect(value("argent_state{state=\"held\"}") == 0)
    }

    @Test("a droplet's spectrum is short enough for a screen, and means of what is valid")
    func droplet() {
        let order = ConditionOrder(run: 1, number: 4, attempt: 1, recipe: [])
        var measured = MeasuredDroplet(
            order: order, index: 2, enteredAt: .zero, leftAt: .zero, plateau: 5, loss: 0.5,
            maximumAbsorbance: 0.9, absorbance: (0..<421).map { Double($0) })
        measured.absorbance[0] = .nan
        for point in 418..<421 { measured.absorbance[point] = .nan }
        let shown = Status.Droplet(measured, grid: LossSettings())
        #expect(shown.absorbance.count == 160)
        // Part k holds the points from k·421/160 on, rounded down, up to the next part's.
        #expect(shown.absorbance[0] == 1)
        #expect(shown.absorbance[1] == 3)
        #expect(shown.absorbance[159] == nil)
        #expect(shown.from >= 380 && shown.from + 159 * shown.step <= 800)
        #expect(abs(shown.from + 79.5 * shown.step - 590) < 1e-9)
        measured.absorbance = [1, 2]
        #expect(Status.Droplet(measured, grid: LossSettings()).absorbance == [1, 2])
        measured.absorbance = []
        #expect(Status.Droplet(measured, grid: LossSettings()).absorbance.isEmpty)
    }
}
