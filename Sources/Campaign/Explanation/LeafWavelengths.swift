import Surrogates

/// The least and the largest values of the spectra of a leaf.
final class LeafWavelengths {
    private static let leaf = CellNetwork.leaf

    /// Outputs in whole vectors; those behind the last repeat the first.
    private let width: Int
    private let units: Int
    /// One row per neuron, then the bias.
    private let kernel: Scratch<Float>
    /// The spectrum of the middles of the outputs.
    private let middle: Scratch<Float>
    private let middles: Scratch<Float>
    private let halves: Scratch<Float>
    /// Wavelengths where a spectrum may be largest or least.
    private let chosen: Scratch<Int32>
    private let floors = Scratch<Float>(leaf, filler: 0)
    private let peaks = Scratch<Float>(leaf, filler: 0)

    init(layer: DenseNetwork.Layer) {
        width = CellKernels.padded(layer.outputs, 8)
        units = layer.inputs
        kernel = Scratch((units + 1) * width, filler: 0)
        middle = Scratch(width, filler: 0)
        middles = Scratch(units, filler: 0)
        halves = Scratch(units, filler: 0)
        chosen = Scratch(width + 2, filler: 0)
        for unit in 0...units {
            let row = kernel.base + unit * width
            let source = unit < units ? layer.kernel : layer.bias
            let first = unit < units ? unit * layer.outputs : 0
            for output in 0..<width {
                row[output] = source[first + (output < layer.outputs ? output : 0)]
            }
        }
    }

    /// The spectrum of a neuron; that of the bias behind the last.
    func row(_ unit: Int) -> UnsafePointer<Float> { UnsafePointer(kernel.base + unit * width) }

    /// The least and the largest value of every recipe's spectrum. `heights` has a row of ones
    /// and then one row of `CellNetwork.leaf` outputs for each of the `count` neurons `units`.
    func extremes(
        units: UnsafePointer<Int32>, heights: UnsafePointer<Float>, count: Int
    ) -> (floors: UnsafePointer<Float>, peaks: UnsafePointer<Float>) {
        for index in 0..<count {
            let (low, high) = CellKernels.extremes(
                heights + (index + 1) * Self.leaf, count: Self.leaf)
            middles.base[index] = 0.5 * low + 0.5 * high
            halves.base[index] = max(high - middles.base[index], middles.base[index] - low)
        }
        let (least, largest) = mix(units, count)
        let highest = choose(units, count, from: largest, sign: 1)
        follow(units, heights, count, highest, sign: 1, into: peaks.base)
        let lowest = choose(units, count, from: least, sign: -1)
        follow(units, heights, count, lowest, sign: -1, into: floors.base)
        return (UnsafePointer(floors.base), UnsafePointer(peaks.base))
    }

    /// The spectrum of the middles; where it is least and largest.
    private func mix(_ units: UnsafePointer<Int32>, _ count: Int) -> (Int, Int) {
        let bias = row(self.units)
        var output = 0
        while output < width {
            var sum = SIMD8.load(bias + output)
            var index = 0
            while index < count {
                let row = row(Int(units[index])) + output
                sum.addProduct(SIMD8.load(row), SIMD8(repeating: middles.base[index]))
                index &+= 1
            }
            sum.store(to: middle.base + output)
            output &+= 8
        }
        let (low, high) = CellKernels.extremes(middle.base, count: width)
        return (place(of: low), place(of: high))
    }

    private func place(of value: Float) -> Int {
        let wanted = SIMD8(repeating: value)
        var output = 0
        while output < width {
            let part = SIMD8.load(middle.base + output)
            if any(part .== wanted) {
                for lane in 0..<8 where part[lane] == value { return output + lane }
            }
            output &+= 8
        }
        return 0
    }

    /// The wavelengths where `sign` × a spectrum may be larger than at wavelength `from`: how
    /// many, in `chosen`.
    private func choose(
        _ units: UnsafePointer<Int32>, _ count: Int, from: Int, sign: Float
    ) -> Int {
        var open = 0
        let first = SIMD8(repeating: middle.base[from])
        var output = 0
        while output < width {
            var lead = (SIMD8.load(middle.base + output) - first) * SIMD8(repeating: sign)
            var index = 0
            while index < count {
                let row = row(Int(units[index]))
                let part = SIMD8.load(row + output) - SIMD8(repeating: row[from])
                lead.addProduct(part.sizes, SIMD8(repeating: halves.base[index]))
                index &+= 1
            }
            if any(.!(lead .< SIMD8<Float>())) {
                for lane in 0..<8 where !(lead[lane] < 0) {
                    chosen.base[open] = Int32(truncatingIfNeeded: output + lane)
                    open &+= 1
                }
            }
            output &+= 8
        }
        chosen.base[open] = chosen.base[0]
        return open
    }

    /// The largest values of `sign` × spectrum among the `open` wavelengths chosen, times `sign`.
    private func follow(
        _ units: UnsafePointer<Int32>, _ heights: UnsafePointer<Float>, _ count: Int,
        _ open: Int, sign: Float, into ends: UnsafeMutablePointer<Float>
    ) {
        let bias = row(self.units)
        let signs = SIMD8(repeating: sign)
        var point = 0
        while point < Self.leaf {
            let least = SIMD8<Float>(repeating: -.infinity)
            var (low, high) = (least, least)
            var place = 0
            while place < open {
                let one = Int(chosen.base[place])
                let other = Int(chosen.base[place + 1])
                var a = SIMD8<Float>(repeating: bias[one])
                var b = SIMD8<Float>(repeating: bias[other])
                var (c, d) = (a, b)
                var source = heights + (Self.leaf &+ point)
                var index = 0
                while index < count {
                    let row = row(Int(units[index]))
                    let (p, q) = (SIMD8(repeating: row[one]), SIMD8(repeating: row[other]))
                    let (x, y) = (SIMD8.load(source), SIMD8.load(source + 8))
                    a.addProduct(x, p)
                    c.addProduct(y, p)
                    b.addProduct(x, q)
                    d.addProduct(y, q)
                    source += Self.leaf
                    index &+= 1
                }
                low = low.larger(a * signs).larger(b * signs)
                high = high.larger(c * signs).larger(d * signs)
                place &+= 2
            }
            (low * signs).store(to: ends + point)
            (high * signs).store(to: ends + point + 8)
            point &+= 16
        }
    }
}
