import Spectra
import Surrogates

/// The last layer of a network and the target: what the losses of predicted spectra need, for a
/// leaf of recipes at once.
///
/// Floor and peak are looked for among all outputs, two spectra at once. Length and product with
/// the target are sums over pairs of the neurons that are on, which are few.
public final class SpectrumShape {
    /// Recipes of a leaf.
    public static let leaf = 32
    /// Outputs worked out together.
    private static let tile = 48

    /// Neurons of the last hidden layer that are on in a leaf.
    public struct Live {
        var units: UnsafePointer<Int32>
        var count: Int
        /// One row of `leaf` outputs per unit, none negative.
        var outputs: UnsafePointer<Float>

        /// `count` neurons `units` and their `outputs`, a row of `leaf` numbers each.
        public init(
            units: UnsafePointer<Int32>, count: Int, outputs: UnsafePointer<Float>
        ) {
            self.units = units
            self.count = count
            self.outputs = outputs
        }
    }

    /// What the loss of a spectrum needs.
    struct Parts {
        /// Least value.
        var floor: Float = 0
        /// Largest value.
        var peak: Float = 0
        /// |v|² of v = S − floor; zero where the spectrum has no shape.
        var square = 0.0
        /// ⟨v, T̂⟩, T̂ the target scaled to length 1.
        var product = 0.0
    }

    private let rows: ShapeRows
    /// Of length 1.
    let target: [Float]
    private let targetSum: Double
    /// By unit of the leaf: its slot, and where its row begins.
    private let slots: Scratch<Int>
    private let starts: Scratch<Int>
    /// Of two recipes: where the rows of the units that are on begin, and their outputs.
    private let pairStarts: Scratch<Int>
    private let pairValues: Scratch<Float>
    /// Products of the leaf's units, row after row, each up to the diagonal.
    private let pairs: Scratch<Double>
    private let floors = Scratch<Float>(leaf, filler: 0)
    private let peaks = Scratch<Float>(leaf, filler: 0)
    private let sums = Scratch<Double>(3 * leaf, filler: 0)

    /// For the last layer of a network and a target of one number per output.
    public init(layer: DenseNetwork.Layer, target wanted: [Double]) {
        let length = wanted.reduce(0) { $0 + $1 * $1 }.squareRoot()
        target = wanted.map { Float($0 / length) }
        targetSum = target.reduce(0) { $0 + Double($1) }
        rows = ShapeRows(layer: layer, target: target, tile: Self.tile)
        slots = Scratch(layer.inputs, filler: 0)
        starts = Scratch(layer.inputs, filler: 0)
        pairStarts = Scratch(layer.inputs + 1, filler: 0)
        pairValues = Scratch(2 * layer.inputs + 2, filler: 0)
        pairs = Scratch(filler: 0)
    }

    /// Works out the spectra of a leaf; `parts` answers for each afterwards.
    public func measure(_ live: Live) {
        pairs.ensure((live.count + 1) * live.count / 2)
        for index in 0..<live.count {
            slots.base[index] = rows.slot(of: live.units[index])
            starts.base[index] = slots.base[index] &* rows.width
        }
        findEnds(live)
        addUp(live)
    }

    /// Of the spectrum of recipe `point` of the leaf: |v|² = |S|² − 2 f ΣS + n f² and
    /// ⟨v, T̂⟩ = ⟨S, T̂⟩ − f ΣT̂, f its floor.
    @inline(__always)
    func parts(_ point: Int) -> Parts {
        var parts = Parts(floor: floors.base[point], peak: peaks.base[point])
        guard parts.floor < parts.peak else { return parts }
        let floor = Double(parts.floor)
        let place = sums.base + point
        parts.square = place[0] - floor * (2 * place[Self.leaf] - Double(rows.outputs) * floor)
        parts.product = place[2 &* Self.leaf] - floor * targetSum
        return parts
    }

    /// The units that are on for one of the recipes `point` and the next: how many.
    @inline(__always)
    private func pair(_ live: Live, _ point: Int) -> Int {
        let (starts, values) = (pairStarts.base, pairValues.base)
        var row = live.outputs + point
        var on = 0
        for index in 0..<live.count {
            starts[on] = self.starts.base[index]
            values[2 &* on] = row[0]
            values[2 &* on &+ 1] = row[1]
            on &+= row[0] == 0 && row[1] == 0 ? 0 : 1
            row += Self.leaf
        }
        return on
    }

    /// Floors and peaks of the leaf's spectra, of two at a time.
    private func findEnds(_ live: Live) {
        let (starts, values) = (UnsafePointer(pairStarts.base), UnsafePointer(pairValues.base))
        let (kernel, bias, width) = (rows.values, rows.bias, rows.width)
        for point in stride(from: 0, to: Self.leaf, by: 2) {
            let count = pair(live, point)
            // In registers, and written out: a function for it is called, not inlined.
            var (low, least) = (
                SIMD8<Float>(repeating: .infinity), SIMD8<Float>(repeating: .infinity)
            )
            var (high, most) = (-low, -least)
            var first = 0
            while first < width {
                let from = bias + first
                var a = SIMD8.load(from)
                var b = SIMD8.load(from + 8)
                var c = SIMD8.load(from + 16)
                var d = SIMD8.load(from + 24)
                var e = SIMD8.load(from + 32)
                var f = SIMD8.load(from + 40)
                var (g, h, i, j, k, l) = (a, b, c, d, e, f)
                var pair = values
                var index = 0
                while index < count {
                    let row = kernel + (starts[index] &+ first)
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
                first &+= Self.tile
            }
            floors.base[point] = -(-low).largest
            floors.base[point &+ 1] = -(-least).largest
            peaks.base[point] = high.largest
            peaks.base[point &+ 1] = most.largest
        }
    }

    /// Σ S², Σ S and ⟨S, T̂⟩ of the leaf's spectra: with h the neurons' outputs, b the bias and k
    /// the kernel's rows, Σ S² = b·b + Σᵢ hᵢ (2 b·kᵢ + kᵢ·kᵢ hᵢ + 2 Σⱼ kᵢ·kⱼ hⱼ), j before i.
    private func addUp(_ live: Live) {
        let (slots, pairs) = (slots.base, pairs.base)
        var filled = 0
        for index in 0..<live.count {
            let slot = slots[index]
            for other in 0...index { pairs[filled &+ other] = rows.product(slot, slots[other]) }
            filled &+= index &+ 1
        }
        let start = rows.biasSums
        for part in stride(from: 0, to: Self.leaf, by: 8) {
            var (square, more) = (
                SIMD4(repeating: start.bias), SIMD4(repeating: start.bias)
            )
            var (sum, rest) = (SIMD4(repeating: start.sum), SIMD4(repeating: start.sum))
            var product = SIMD4(repeating: start.target)
            var tail = product
            let source = live.outputs + part
            var pair = UnsafePointer(pairs)
            for index in 0..<live.count {
                let own = SIMD8.load(source + index &* Self.leaf)
                let (x, y) = (own.lowHalf.doubles, own.highHalf.doubles)
                let sums = rows.sums(slots[index])
                sum.addProduct(x, SIMD4(repeating: sums.sum))
                rest.addProduct(y, SIMD4(repeating: sums.sum))
                product.addProduct(x, SIMD4(repeating: sums.target))
                tail.addProduct(y, SIMD4(repeating: sums.target))
                var p = SIMD4(repeating: sums.bias)
                var q = p
                for other in 0...index {
                    let its = SIMD8.load(source + other &* Self.leaf)
                    let factor = SIMD4(repeating: pair[other])
                    p.addProduct(its.lowHalf.doubles, factor)
                    q.addProduct(its.highHalf.doubles, factor)
                }
                pair += index &+ 1
                square.addProduct(x, p)
                more.addProduct(y, q)
            }
            let target = UnsafeMutableRawPointer(sums.base + part)
            let distance = Self.leaf * MemoryLayout<Double>.stride
            target.storeBytes(of: square, as: SIMD4<Double>.self)
            target.storeBytes(of: more, toByteOffset: 32, as: SIMD4<Double>.self)
            target.storeBytes(of: sum, toByteOffset: distance, as: SIMD4<Double>.self)
            target.storeBytes(of: rest, toByteOffset: distance + 32, as: SIMD4<Double>.self)
            target.storeBytes(of: product, toByteOffset: 2 * distance, as: SIMD4<Double>.self)
            target.storeBytes(of: tail, toByteOffset: 2 * distance + 32, as: SIMD4<Double>.self)
        }
    }

    /// The same of one spectrum, one wavelength after the other: the scalar twin. `values` are
    /// the outputs of `units`.
    static func partsOneByOne(
        layer: DenseNetwork.Layer, target: [Float], units: [Int32], values: [Float]
    ) -> Parts {
        var parts = Parts(floor: .infinity, peak: -.infinity)
        var spectrum = layer.bias
        for output in spectrum.indices {
            for (unit, value) in zip(units, values) {
                spectrum[output] += value * layer.kernel[Int(unit) * layer.outputs + output]
            }
            parts.floor = min(parts.floor, spectrum[output])
            parts.peak = max(parts.peak, spectrum[output])
        }
        for (value, wanted) in zip(spectrum, target) {
            let above = Double(value) - Double(parts.floor)
            parts.square += above * above
            parts.product += above * Double(wanted)
        }
        return parts
    }
}
