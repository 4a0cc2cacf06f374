import Spectra
import Surrogates

/// The last layer of a network and the target: the shape of a predicted spectrum from the
/// neurons that are on, two recipes at once.
final class SpectrumShape {
    /// What the loss of a spectrum needs.
    struct Parts {
        var floor: Float = 0
        var peak: Float = 0
        /// |v|² and ⟨v, T̂⟩ of v = S − floor.
        var square: Float = 0
        var product: Float = 0
    }

    /// Outputs of a tile.
    static let tile = 48

    let outputs: Int
    /// Outputs, rounded up to whole tiles; those behind the last repeat the first.
    let width: Int
    private let storage: Scratch<Float>
    private let kernel: UnsafeMutablePointer<Float>
    private let bias: UnsafeMutablePointer<Float>
    /// Of length 1; zero behind the last output.
    private let target: UnsafeMutablePointer<Float>
    private let spectrum: UnsafeMutablePointer<Float>
    private let targetSum: Double

    init(layer: DenseNetwork.Layer, target wanted: [Double]) {
        outputs = layer.outputs
        width = (outputs + Self.tile - 1) / Self.tile * Self.tile
        storage = Scratch((layer.inputs + 3) * width, filler: 0)
        kernel = storage.base
        bias = kernel + layer.inputs * width
        target = bias + width
        spectrum = target + width
        let length = wanted.reduce(0) { $0 + $1 * $1 }.squareRoot()
        targetSum = wanted.reduce(0) { $0 + Double(Float($1 / length)) }
        for output in 0..<width {
            bias[output] = layer.bias[output < outputs ? output : 0]
            target[output] = output < outputs ? Float(wanted[output] / length) : 0
        }
        layer.kernel.withUnsafeBufferPointer { source in
            for unit in 0..<layer.inputs {
                let row = kernel + unit * width
                for output in 0..<outputs { row[output] = source[unit * outputs + output] }
                for output in outputs..<width { row[output] = row[0] }
            }
        }
    }

    /// Of the spectra of two recipes, each a sum over `count` neurons `units`; `values` has both
    /// recipes' outputs of every neuron side by side. Spectra are summed from `level`, best near
    /// their floors: squares lose what the floors lie away from it.
    func parts(
        units: UnsafePointer<Int32>, values: UnsafePointer<Float>, count: Int, level: Float
    ) -> (Parts, Parts) {
        let (kernel, bias, target) = (
            UnsafePointer(kernel), UnsafePointer(bias), UnsafePointer(target)
        )
        let width = width
        let start = SIMD8(repeating: level)
        var (one, other) = (Sums(), Sums())
        var first = 0
        while first < width {
            let from = bias + first
            var a = SIMD8.load(from) - start
            var b = SIMD8.load(from + 8) - start
            var c = SIMD8.load(from + 16) - start
            var d = SIMD8.load(from + 24) - start
            var e = SIMD8.load(from + 32) - start
            var f = SIMD8.load(from + 40) - start
            var (g, h, i, j, k, l) = (a, b, c, d, e, f)
            var pair = values
            var index = 0
            while index < count {
                let row = kernel + (Int(units[index]) &* width &+ first)
                let (p, q, r) = (SIMD8.load(row), SIMD8.load(row + 8), SIMD8.load(row + 16))
                let (x, y) = (SIMD8(repeating: pair[0]), SIMD8(repeating: pair[1]))
                a.addProduct(p, x)
                g.addProduct(p, y)
                b.addProduct(q, x)
                h.addProduct(q, y)
                c.addProduct(r, x)
                i.addProduct(r, y)
                let (s, t, u) = (
                    SIMD8.load(row + 24), SIMD8.load(row + 32), SIMD8.load(row + 40)
                )
                d.addProduct(s, x)
                j.addProduct(s, y)
                e.addProduct(t, x)
                k.addProduct(t, y)
                f.addProduct(u, x)
                l.addProduct(u, y)
                pair += 2
                index &+= 1
            }
            if first == 0 {
                one.repeated = a[0]
                other.repeated = g[0]
            }
            let wanted = target + first
            one.add(a, b, c, wanted)
            other.add(g, h, i, wanted)
            one.add(d, e, f, wanted + 24)
            other.add(j, k, l, wanted + 24)
            first &+= Self.tile
        }
        return (parts(one, level), parts(other, level))
    }

    /// What is summed up of u = S − level.
    private struct Sums {
        var high = SIMD8<Float>(repeating: -.infinity)
        var low = SIMD8<Float>(repeating: .infinity)
        var square = SIMD8<Float>()
        var sum = SIMD8<Float>()
        var product = SIMD8<Float>()
        /// The first output, which those behind the last repeat.
        var repeated: Float = 0

        @inline(__always)
        mutating func add(
            _ a: SIMD8<Float>, _ b: SIMD8<Float>, _ c: SIMD8<Float>,
            _ target: UnsafePointer<Float>
        ) {
            high = high.larger(a.larger(b).larger(c))
            low = low.smaller(a.smaller(b).smaller(c))
            square.addProduct(a, a)
            square.addProduct(b, b)
            square.addProduct(c, c)
            sum += a + b + c
            product.addProduct(a, SIMD8.load(target))
            product.addProduct(b, SIMD8.load(target + 8))
            product.addProduct(c, SIMD8.load(target + 16))
        }
    }

    /// |v|² = |u|² − 2 f Σu + n f² and ⟨v, T̂⟩ = ⟨u, T̂⟩ − f ΣT̂, f the floor above the level.
    @inline(__always)
    private func parts(_ sums: Sums, _ level: Float) -> Parts {
        let low = -(-sums.low).largest
        let high = sums.high.largest
        var parts = Parts(floor: low + level, peak: high + level)
        guard low < high else { return parts }
        let extra = Double(width - outputs)
        let repeated = Double(sums.repeated)
        let floor = Double(low)
        let square = Double(sums.square.sum()) - extra * repeated * repeated
        let sum = Double(sums.sum.sum()) - extra * repeated
        parts.square = Float(square - floor * (2 * sum - Double(outputs) * floor))
        parts.product = Float(Double(sums.product.sum()) - floor * targetSum)
        return parts
    }

    /// The same one wavelength after the other: the scalar twin.
    func partsOneByOne(
        units: UnsafePointer<Int32>, values: UnsafePointer<Float>, count: Int
    ) -> Parts {
        var parts = Parts(floor: .infinity, peak: -.infinity)
        for output in 0..<outputs {
            var sum = bias[output]
            for index in 0..<count {
                sum += values[index] * kernel[Int(units[index]) * width + output]
            }
            spectrum[output] = sum
            parts.floor = min(parts.floor, sum)
            parts.peak = max(parts.peak, sum)
        }
        for output in 0..<outputs {
            let value = spectrum[output] - parts.floor
            parts.square += value * value
            parts.product += value * target[output]
        }
        return parts
    }
}
