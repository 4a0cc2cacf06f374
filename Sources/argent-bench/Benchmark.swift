import Glibc
import Quantities
import World

/// One thing that is timed: a kernel or a whole job.
struct Benchmark {
    /// `area/what/size`, e.g. `cholesky/factor/1000`.
    var name: String
    /// How much work one call does, in `unit`: multiply–adds, bytes, rows; 0 when it is not said.
    var work: Double = 0
    /// What `work` counts.
    var unit = ""
    /// Readies the data and returns the work itself; what it returns is called many times.
    var make: () throws -> (() -> Void)

    /// Calls of the work are grouped until a sample lasts this long, ns.
    private static let leastSampleNanoseconds = 200_000.0

    /// Samples taken for about `seconds`, at least `leastSamples`.
    func measure(seconds: Double, leastSamples: Int = 5) throws -> Measurement {
        let body = try make()
        var calls = 1
        var took = Self.time(calls, body)
        while took < Self.leastSampleNanoseconds, calls < 1 << 24 {
            calls *= 2
            took = Self.time(calls, body)
        }
        var samples: [Double] = []
        let start = Self.now
        while samples.count < leastSamples || Self.now - start < seconds * 1e9 {
            samples.append(Self.time(calls, body) / Double(calls))
            if samples.count >= 100_000 { break }
        }
        samples.sort()
        return Measurement(name: name, work: work, unit: unit, nanoseconds: samples)
    }

    private static func time(_ calls: Int, _ body: () -> Void) -> Double {
        let start = now
        for _ in 0..<calls { body() }
        return now - start
    }

    /// Monotonic time, ns.
    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}

/// What came of timing one thing.
struct Measurement {
    var name: String
    var work: Double
    var unit: String
    /// Time of one call in each sample, ascending.
    var nanoseconds: [Double]

    /// The time that the share `share` of the samples did not exceed, ns.
    func quantile(_ share: Double) -> Double {
        nanoseconds[Int((share * Double(nanoseconds.count - 1)).rounded())]
    }

    /// One JSON object on one line.
    func json(cpu: String) -> String {
        var fields = [
            "\"name\":\"\(name)\"", "\"cpu\":\"\(cpu)\"", "\"threads\":1",
            "\"samples\":\(nanoseconds.count)", "\"median_ns\":\(digits(quantile(0.5)))",
            "\"p10_ns\":\(digits(quantile(0.1)))", "\"p90_ns\":\(digits(quantile(0.9)))",
            "\"min_ns\":\(digits(quantile(0)))",
        ]
        if work > 0 {
            fields.append("\"\(unit)_per_second\":\(digits(work / quantile(0.5) * 1e9))")
        }
        return "{" + fields.joined(separator: ",") + "}"
    }

    /// Four significant digits, as JSON takes them.
    private func digits(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return "0" }
        let scale = pow(10, 3 - floor(log10(abs(value))))
        return "\((value * scale).rounded() / scale)"
    }
}

/// Keeps the compiler from leaving out work whose result nobody reads.
@inline(never)
func keep<Value>(_ value: Value) { withExtendedLifetime(value) {} }

extension DurationHistogram {
    /// How many spans, and how long they were, µs.
    var json: String {
        func us(_ span: TimeSpan) -> String { "\(Double(span.nanoseconds) / 1_000)" }
        return "{\"count\":\(count),\"p50_us\":\(us(quantile(0.5))),"
            + "\"p99_us\":\(us(quantile(0.99))),\"p999_us\":\(us(quantile(0.999))),"
            + "\"max_us\":\(us(maximum))}"
    }
}
