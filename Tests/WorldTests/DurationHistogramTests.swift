import Numerics
import Quantities
import Testing

@testable import World

@Suite struct DurationHistogramTests {
    /// Every class begins where the one before it ends, and is no wider than a 32nd of itself.
    @Test func classesCoverEverySpanOnce() {
        var previous: Int64 = -1
        for place in 0..<DurationHistogram.classes {
            let edge = DurationHistogram.upperEdge(of: place)
            #expect(edge > previous)
            #expect(DurationHistogram.place(of: previous + 1) == place)
            #expect(DurationHistogram.place(of: edge) == place)
            #expect(edge - previous <= max(1, edge / 32))
            previous = edge
        }
        #expect(previous == 1 << 40 - 1)
        #expect(DurationHistogram.place(of: .max) == DurationHistogram.classes - 1)
        #expect(DurationHistogram.place(of: -5) == 0)
    }

    @Test func quantilesAgreeWithSorting() {
        var random = SeededGenerator(seed: 5)
        let histogram = DurationHistogram()
        var all: [Int64] = []
        for _ in 0..<20_000 {
            let span = Int64(1) << Int64(random.below(30)) + Int64(random.below(1_000))
            all.append(span)
            histogram.note(TimeSpan(nanoseconds: span))
        }
        all.sort()
        #expect(histogram.count == all.count)
        #expect(histogram.maximum.nanoseconds == all.last)
        for share in [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = all[max(0, Int((Double(all.count) * share).rounded(.up)) - 1)]
            let told = histogram.quantile(share).nanoseconds
            #expect(told >= exact && told - exact <= exact / 32, "\(share): \(told), \(exact)")
        }
        let limit = DurationHistogram.upperEdge(of: DurationHistogram.place(of: 100_000))
        #expect(
            histogram.count(above: .microseconds(100)) == all.count { $0 > limit })
        histogram.clear()
        #expect(histogram.count == 0)
        #expect(histogram.quantile(0.5) == .zero)
        #expect(histogram.maximum == .zero)
    }
}
