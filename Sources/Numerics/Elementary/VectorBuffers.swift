import Glibc

/// The functions of `VectorMath` over buffers: `count` numbers from `source` to `target`, which
/// may be the same. Four at a time; the last few go through a register filled up with ones.
extension VectorMath {
    /// target[i] = e^source[i].
    public static func exp(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { each(source, target, count) { exp($0) } }

    /// target[i] = log source[i].
    public static func log(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { each(source, target, count) { log($0) } }

    /// target[i] = erf source[i].
    public static func erf(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { each(source, target, count) { erf($0) } }

    /// target[i] = φ(source[i]).
    public static func normalDensity(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { each(source, target, count) { normalDensity($0) } }

    /// target[i] = Φ(source[i]).
    public static func normalCumulative(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { each(source, target, count) { normalCumulative($0) } }

    /// target[i] = log Φ(source[i]).
    public static func logNormalCumulative(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { each(source, target, count) { logNormalCumulative($0).value } }

    /// target[i] = log h(source[i]), h as in `logExpectedExcess`.
    public static func logExpectedExcess(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { each(source, target, count) { logExpectedExcess($0).value } }

    @inline(__always)
    private static func each(
        _ source: UnsafePointer<Double>, _ target: UnsafeMutablePointer<Double>, _ count: Int,
        _ function: (SIMD4<Double>) -> SIMD4<Double>
    ) {
        var index = 0
        while index &+ 4 <= count {
            store(function(load(source + index)), to: target + index)
            index &+= 4
        }
        guard index < count else { return }
        var last = SIMD4<Double>(repeating: 1)
        for lane in 0..<(count - index) { last[lane] = source[index + lane] }
        last = function(last)
        for lane in 0..<(count - index) { target[index + lane] = last[lane] }
    }

    /// Four doubles from memory of any alignment.
    @inlinable @inline(__always)
    public static func load(_ source: UnsafePointer<Double>) -> SIMD4<Double> {
        UnsafeRawPointer(source).loadUnaligned(as: SIMD4<Double>.self)
    }

    /// Four doubles to memory of any alignment.
    @inlinable @inline(__always)
    public static func store(_ value: SIMD4<Double>, to target: UnsafeMutablePointer<Double>) {
        UnsafeMutableRawPointer(target).storeBytes(of: value, as: SIMD4<Double>.self)
    }
}

/// The same functions one number at a time through the C library: what the vector ones are
/// measured against.
public enum ScalarMath {
    /// target[i] = e^source[i].
    public static func exp(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { for index in 0..<count { target[index] = Glibc.exp(source[index]) } }

    /// target[i] = log source[i].
    public static func log(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { for index in 0..<count { target[index] = Glibc.log(source[index]) } }

    /// target[i] = erf source[i].
    public static func erf(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { for index in 0..<count { target[index] = Glibc.erf(source[index]) } }

    /// target[i] = φ(source[i]).
    public static func normalDensity(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { for index in 0..<count { target[index] = Normal.density(source[index]) } }

    /// target[i] = Φ(source[i]).
    public static func normalCumulative(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { for index in 0..<count { target[index] = Normal.cumulative(source[index]) } }

    /// target[i] = log Φ(source[i]).
    public static func logNormalCumulative(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { for index in 0..<count { target[index] = Normal.logCumulative(source[index]) } }

    /// target[i] = log h(source[i]).
    public static func logExpectedExcess(
        _ source: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>, _ count: Int
    ) { for index in 0..<count { target[index] = Normal.logExpectedExcess(source[index]) } }
}
