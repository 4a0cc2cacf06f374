import Spectra
import Surrogates

/// The last layer of a network and the target: the shape of a predicted spectrum from the
/// neurons that are on, two recipes at once.
public final class SpectrumShape {
    /// What the loss of a spectrum needs.
    public struct Parts {
        /// Least value.
        public var floor: Float = 0
        /// Largest value.
        public var peak: Float = 0
        /// |v|² of v = S − floor; zero where the spectrum has no shape.
        public var square: Float = 0
        /// ⟨v, T̂⟩, T̂ the target scaled to length 1.
        public var product: Float = 0
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
    private let targetSum: Double
    /// Of each row of the kernel, and of the bias behind them: Σ over the outputs, and the product
    /// with the target.
    private let rowSums: Scratch<Double>
    private let inputs: Int

    /// What is gathered of a spectrum u while it is summed.
    private struct Gathered {
        var low: SIMD8<Float>
        var high: SIMD8<Float>
        var squares: SIMD8<Float>
    }

    /// For the last layer of a network and a target of one number per output.
    public init(layer: DenseNetwork.Layer, target wanted: [Double]) {
        outputs = layer.outputs
        width = (outputs + Self.tile - 1) / Self.tile * Self.tile
        inputs = layer.inputs
        storage = Scratch((layer.inputs + 2) * width, filler: 0)
        rowSums = Scratch(2 * (layer.inputs + 1), filler: 0)
        kernel = storage.base
        bias = kernel + layer.inputs * width
        target = bias + width
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
        // The bias follows the kernel's rows.
        for unit in 0...layer.inputs {
            let row = kernel + unit * width
            for output in 0..<outputs {
                let value = Double(row[output])
                rowSums.base[2 * unit] += value
                rowSums.base[2 * unit + 1] += value * Double(target[output])
            }
        }
    }

    /// Of the spectra of two recipes, each a sum over `count` neurons `units`; `values` has both
    /// recipes' outputs of every neuron side by side. Spectra are summed from `level`, best near
    /// their floors: squares lose what the floors lie away from it.
    public func parts(
        units: UnsafePointer<Int32>, values: UnsafePointer<Float>, count: Int, level: Float
    ) -> (Parts, Parts) {
        let (first, second, repeated) = mix(units, values, count, level)
        // Σu and ⟨u, T̂⟩ are sums over the neurons, as u is.
        let sums = rowSums.base
        let bias = sums + 2 &* inputs
        var (sum, product) = (SIMD2(repeating: bias[0]), SIMD2(repeating: bias[1]))
        var place = UnsafePointer(values)
        for index in 0..<count {
            let row = sums + 2 &* Int(units[index])
            let pair = SIMD2(Double(place[0]), Double(place[1]))
            sum.addProduct(pair, SIMD2(repeating: row[0]))
            product.addProduct(pair, SIMD2(repeating: row[1]))
            place += 2
        }
        sum -= Double(outputs) * Double(level)
        product -= Double(level) * targetSum
        return (
            measure(first, repeated.0, sum: sum[0], product: product[0], level),
            measure(second, repeated.1, sum: sum[1], product: product[1], level)
        )
    }

    /// Sums both spectra less `level`, and gathers what is asked of them; the last two are their
    /// first values.
    @inline(__always)
    private func mix(
        _ units: UnsafePointer<Int32>, _ values: UnsafePointer<Float>, _ count: Int,
        _ level: Float
    ) -> (Gathered, Gathered, (Float, Float)) {
        let (kernel, bias) = (UnsafePointer(kernel), UnsafePointer(bias))
        let width = width
        // In registers, and written out: a function for it is called, not inlined.
        var (low, least) = (
            SIMD8<Float>(repeating: .infinity), SIMD8<Float>(repeating: .infinity)
        )
        var (high, most) = (-low, -least)
        var (squares, rest) = (SIMD8<Float>(), SIMD8<Float>())
        var repeated: (Float, Float) = (0, 0)
        let start = SIMD8(repeating: level)
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
                let (x, y) = (SIMD8(repeating: pair[0]), SIMD8(repeating: pair[1]))
                let p = SIMD8.load(row)
                a.addProduct(p, x)
                g.addProduct(p, y)
                let q = SIMD8.load(row + 8)
                b.addProduct(q, x)
                h.addProduct(q, y)
                let r = SIMD8.load(row + 16)
                c.addProduct(r, x)
                i.addProduct(r, y)
                let s = SIMD8.load(row + 24)
                d.addProduct(s, x)
                j.addProduct(s, y)
                let t = SIMD8.load(row + 32)
                e.addProduct(t, x)
                k.addProduct(t, y)
                let u = SIMD8.load(row + 40)
                f.addProduct(u, x)
                l.addProduct(u, y)
                pair += 2
                index &+= 1
            }
            low = low.smaller(a.smaller(b).smaller(c.smaller(d)).smaller(e.smaller(f)))
            least = least.smaller(g.smaller(h).smaller(i.smaller(j)).smaller(k.smaller(l)))
            high = high.larger(a.larger(b).larger(c.larger(d)).larger(e.larger(f)))
            most = most.larger(g.larger(h).larger(i.larger(j)).larger(k.larger(l)))
            squares.addProduct(a, a)
            rest.addProduct(g, g)
            squares.addProduct(b, b)
            rest.addProduct(h, h)
            squares.addProduct(c, c)
            rest.addProduct(i, i)
            squares.addProduct(d, d)
            rest.addProduct(j, j)
            squares.addProduct(e, e)
            rest.addProduct(k, k)
            squares.addProduct(f, f)
            rest.addProduct(l, l)
            if first == 0 { repeated = (a[0], g[0]) }
            first &+= Self.tile
        }
        return (
            Gathered(low: low, high: high, squares: squares),
            Gathered(low: least, high: most, squares: rest), repeated
        )
    }

    /// Of a spectrum u less `level`, f its floor: |v|² = |u|² − 2 f Σu + n f² and
    /// ⟨v, T̂⟩ = ⟨u, T̂⟩ − f ΣT̂. What lies behind the last output repeats the first.
    @inline(__always)
    private func measure(
        _ gathered: Gathered, _ repeated: Float, sum: Double, product: Double, _ level: Float
    ) -> Parts {
        let floor = -(-gathered.low).largest
        let peak = gathered.high.largest
        var parts = Parts(floor: floor + level, peak: peak + level)
        guard floor < peak else { return parts }
        let extra = Double(width - outputs) * Double(repeated) * Double(repeated)
        let square = Double(gathered.squares.sum()) - extra
        let height = Double(floor)
        parts.square = Float(square - height * (2 * sum - Double(outputs) * height))
        parts.product = Float(product - height * targetSum)
        return parts
    }

    /// The same one wavelength after the other: the scalar twin.
    func partsOneByOne(
        units: UnsafePointer<Int32>, values: UnsafePointer<Float>, count: Int
    ) -> Parts {
        var parts = Parts(floor: .infinity, peak: -.infinity)
        var spectrum = [Float](repeating: 0, count: outputs)
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
