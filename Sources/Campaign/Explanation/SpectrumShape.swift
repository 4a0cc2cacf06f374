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
    private let spectrum: UnsafeMutablePointer<Float>
    private let targetSum: Double

    /// For the last layer of a network and a target of one number per output.
    public init(layer: DenseNetwork.Layer, target wanted: [Double]) {
        outputs = layer.outputs
        width = (outputs + Self.tile - 1) / Self.tile * Self.tile
        storage = Scratch((layer.inputs + 4) * width, filler: 0)
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
    public func parts(
        units: UnsafePointer<Int32>, values: UnsafePointer<Float>, count: Int, level: Float
    ) -> (Parts, Parts) {
        mix(units, values, count, level)
        return (measure(spectrum, level), measure(spectrum + width, level))
    }

    /// Both spectra less `level`.
    private func mix(
        _ units: UnsafePointer<Int32>, _ values: UnsafePointer<Float>, _ count: Int,
        _ level: Float
    ) {
        let (kernel, bias) = (UnsafePointer(kernel), UnsafePointer(bias))
        let (spectrum, width) = (spectrum, width)
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
            let one = spectrum + first
            a.store(to: one)
            b.store(to: one + 8)
            c.store(to: one + 16)
            d.store(to: one + 24)
            e.store(to: one + 32)
            f.store(to: one + 40)
            let other = one + width
            g.store(to: other)
            h.store(to: other + 8)
            i.store(to: other + 16)
            j.store(to: other + 24)
            k.store(to: other + 32)
            l.store(to: other + 40)
            first &+= Self.tile
        }
    }

    /// Of a spectrum u less `level`, f its floor: |v|² = |u|² − 2 f Σu + n f² and
    /// ⟨v, T̂⟩ = ⟨u, T̂⟩ − f ΣT̂.
    private func measure(_ spectrum: UnsafePointer<Float>, _ level: Float) -> Parts {
        let (target, width) = (UnsafePointer(target), width)
        var (p, q) = (SIMD8<Float>(), SIMD8<Float>())
        var (r, s, t, u) = (p, p, p, p)
        var (low, high) = (SIMD8.load(spectrum), SIMD8.load(spectrum))
        var (least, most) = (low, high)
        var index = 0
        while index < width {
            let a = SIMD8.load(spectrum + index)
            let b = SIMD8.load(spectrum + (index &+ 8))
            p.addProduct(a, a)
            q.addProduct(b, b)
            r += a
            s += b
            t.addProduct(a, SIMD8.load(target + index))
            u.addProduct(b, SIMD8.load(target + (index &+ 8)))
            low = low.smaller(a)
            least = least.smaller(b)
            high = high.larger(a)
            most = most.larger(b)
            index &+= 16
        }
        let floor = -(-low.smaller(least)).largest
        let peak = high.larger(most).largest
        var parts = Parts(floor: floor + level, peak: peak + level)
        guard floor < peak else { return parts }
        let extra = Double(width - outputs)
        let repeated = Double(spectrum[0])
        let square = Double((p + q).sum()) - extra * repeated * repeated
        let sum = Double((r + s).sum()) - extra * repeated
        let height = Double(floor)
        parts.square = Float(square - height * (2 * sum - Double(outputs) * height))
        parts.product = Float(Double((t + u).sum()) - height * targetSum)
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
