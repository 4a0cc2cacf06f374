/// Bounds of a cell network's neurons over a box of recipes.
///
/// Every column is enclosed by an affine form `centre + Σ slope·ε ± radius`, |ε| ≤ 1 one per
/// variable (affine arithmetic with the errors merged, as in Singh et al., "Fast and effective
/// robustness certification", 2018).
final class CellBounds {
    private let dimension: Int
    /// Vectors of eight a form takes: slopes, centre, radius.
    private let planes: Int
    private let capacity: Int
    private let forms: Scratch<Float>
    private let floats: Scratch<Float>
    /// Bounds of a neuron's input, by column.
    let lower: UnsafeMutablePointer<Float>
    let upper: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Float>
    /// Lanes of slopes, with their signs cleared; the radius, whose coefficient's is.
    private let slopeMasks: [SIMD8<UInt32>]
    private let radiusMasks: [SIMD8<UInt32>]

    private static let lanes = 16
    private static let sizeMask: UInt32 = 0x7fff_ffff

    init(dimension: Int, columns: Int) {
        self.dimension = dimension
        planes = dimension + 2 <= 8 ? 1 : 2
        capacity = LocalNetwork.padded(columns) + 8
        forms = Scratch(capacity * 8 * planes, filler: 0)
        floats = Scratch(capacity * 2 + CellNetwork.block * Self.lanes, filler: 0)
        lower = floats.base
        upper = lower + capacity
        sums = upper + capacity
        var slopeMasks = [SIMD8<UInt32>](repeating: SIMD8(), count: 2)
        var masks = [SIMD8<UInt32>](repeating: SIMD8(repeating: .max), count: 2)
        for lane in 0..<dimension { slopeMasks[lane >> 3][lane & 7] = Self.sizeMask }
        masks[(dimension + 1) >> 3][(dimension + 1) & 7] = Self.sizeMask
        self.slopeMasks = slopeMasks
        radiusMasks = masks
    }

    /// Encloses every neuron of `network` where the variables go from `low` through `high`.
    func enclose(
        _ network: CellNetwork, low: UnsafePointer<Float>, high: UnsafePointer<Float>
    ) {
        start(low: low, high: high)
        for layer in network.layers {
            var row = 0
            while row < layer.rows {
                let rows = UnsafePointer(layer.coefficients.base) + row * layer.stride
                sum(rows, stride: layer.stride, columns: layer.columns)
                for offset in 0..<min(CellNetwork.block, layer.rows - row) {
                    finish(layer.ownColumn + row + offset, from: sums + offset * Self.lanes)
                }
                row += CellNetwork.block
            }
        }
    }

    /// The forms of 1 and the variables, which go from `low` through `high`.
    func start(low: UnsafePointer<Float>, high: UnsafePointer<Float>) {
        for plane in 0..<planes {
            let place = forms.base + plane * capacity * 8
            place.update(repeating: 0, count: 8 * (1 + dimension))
        }
        write(0, lane: dimension, 1)
        for variable in 0..<dimension {
            write(1 + variable, lane: variable, 0.5 * high[variable] - 0.5 * low[variable])
            write(1 + variable, lane: dimension, 0.5 * high[variable] + 0.5 * low[variable])
        }
    }

    /// The upper ends of a block of rows.
    @inline(__always)
    func tops(_ rows: UnsafePointer<Float>, stride: Int, columns: Int) -> SIMD4<Float> {
        sum(rows, stride: stride, columns: columns)
        var tops = SIMD4<Float>()
        for offset in 0..<CellNetwork.block {
            let (middle, slopes, radius) = ends(sums + offset * Self.lanes)
            tops[offset] = middle + slopes + radius
        }
        return tops
    }

    /// Gives `column` the form of the rectifier whose input is `row` and is known to lie from
    /// `low` < 0 through `high` > 0.
    func add(
        _ row: UnsafePointer<Float>, columns: Int, as column: Int, low: Float, high: Float
    ) {
        sum(row, stride: 0, columns: columns)
        let (middle, _, radius) = ends(sums)
        let share = high / (high - low)
        keep(column, sums, share: share, lift: -0.5 * share * low, middle, radius)
    }

    @inline(__always)
    private func write(_ column: Int, lane: Int, _ number: Float) {
        forms.base[(lane >> 3) * capacity * 8 + column * 8 + (lane & 7)] = number
    }

    /// A block of rows' sums of coefficient × form into `sums`.
    @inline(__always)
    private func sum(_ rows: UnsafePointer<Float>, stride: Int, columns: Int) {
        for plane in 0..<planes { sum(rows, stride: stride, columns: columns, plane: plane) }
    }

    @inline(__always)
    private func sum(_ first: UnsafePointer<Float>, stride: Int, columns: Int, plane: Int) {
        let mask = radiusMasks[plane]
        let forms = UnsafeRawPointer(self.forms.base + plane * capacity * 8)
        let second = first + stride
        let third = second + stride
        let fourth = third + stride
        var a = SIMD8<Float>()
        var b = a
        var c = a
        var d = a
        var column = 0
        while column < columns {
            let form = forms.loadUnaligned(fromByteOffset: column * 32, as: SIMD8<Float>.self)
            a.addProduct(SIMD8.masked(first[column], mask), form)
            b.addProduct(SIMD8.masked(second[column], mask), form)
            c.addProduct(SIMD8.masked(third[column], mask), form)
            d.addProduct(SIMD8.masked(fourth[column], mask), form)
            column += 1
        }
        let place = UnsafeMutableRawPointer(sums + plane * 8)
        let step = Self.lanes * 4
        place.storeBytes(of: a, as: SIMD8<Float>.self)
        place.storeBytes(of: b, toByteOffset: step, as: SIMD8<Float>.self)
        place.storeBytes(of: c, toByteOffset: 2 * step, as: SIMD8<Float>.self)
        place.storeBytes(of: d, toByteOffset: 3 * step, as: SIMD8<Float>.self)
    }

    /// Of a sum of forms: centre, reach of the slopes, radius.
    @inline(__always)
    private func ends(_ sums: UnsafePointer<Float>) -> (Float, Float, Float) {
        var slopes: Float = 0
        for plane in 0..<planes {
            let part = UnsafeRawPointer(sums + plane * 8).loadUnaligned(as: SIMD8<UInt32>.self)
            slopes += unsafeBitCast(part & slopeMasks[plane], to: SIMD8<Float>.self).sum()
        }
        return (sums[dimension], slopes, sums[dimension + 1])
    }

    /// Bounds of one neuron's input and the form of its output: where it may switch, a band
    /// around the middle of λz and λ(z − l), λ = u / (u − l).
    @inline(__always)
    private func finish(_ column: Int, from sums: UnsafeMutablePointer<Float>) {
        let (middle, slopes, radius) = ends(sums)
        let low = middle - slopes - radius
        let high = middle + slopes + radius
        lower[column] = low
        upper[column] = high
        var share: Float = 1
        var lift: Float = 0
        if high <= 0 {
            share = 0
        } else if low < 0 {
            share = high / (high - low)
            lift = -0.5 * share * low
        }
        keep(column, sums, share: share, lift: lift, middle, radius)
    }

    @inline(__always)
    private func keep(
        _ column: Int, _ sums: UnsafePointer<Float>, share: Float, lift: Float, _ middle: Float,
        _ radius: Float
    ) {
        for plane in 0..<planes {
            let place = forms.base + plane * capacity * 8 + column * 8
            let part = UnsafeRawPointer(sums + plane * 8).loadUnaligned(as: SIMD8<Float>.self)
            UnsafeMutableRawPointer(place).storeBytes(
                of: part * SIMD8(repeating: share), as: SIMD8<Float>.self)
        }
        write(column, lane: dimension, middle * share + lift)
        write(column, lane: dimension + 1, radius * share + lift)
    }
}
