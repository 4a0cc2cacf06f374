/// What is known of a local network over a box of recipes.
///
/// Every column is enclosed by an affine form `centre + Σ slope·ε ± radius`, |ε| ≤ 1 one per
/// variable (affine arithmetic with the errors merged, as in Singh et al., "Fast and effective
/// robustness certification", 2018). The enclosures hold for what single precision calculates:
/// each sum's rounding error, γ times the sum of the terms' sizes, is in its radius.
final class BoxForms {
    /// Numbers of a form: slopes, centre, radius, size (a bound of |centre| + Σ|slope| + radius
    /// where the terms may not cancel). Two vectors of eight where one does not do.
    static let lanes = 16
    /// Half the distance of 1 and the next number.
    static let unitRoundoff: Float = 0x1p-24
    /// All bits but the sign.
    static let sizeMask: UInt32 = 0x7fff_ffff
    /// Roundings a form passes outside of the sums.
    static let furtherRoundings = 24

    let dimension: Int
    /// Vectors of eight a form takes.
    let planes: Int
    /// `planes` blocks of `capacity × 8`.
    let forms: Scratch<Float>
    let capacity: Int
    /// Bounds of a neuron's input.
    let lower: UnsafeMutablePointer<Float>
    let upper: UnsafeMutablePointer<Float>
    /// Bound of a column's size.
    let size: UnsafeMutablePointer<Float>
    /// Rounding error of a neuron's input.
    let rounding: UnsafeMutablePointer<Float>
    /// Columns at the centre of the box.
    let value: UnsafeMutablePointer<Float>
    /// The box: centre and half width of every variable.
    let centre: UnsafeMutablePointer<Float>
    let half: UnsafeMutablePointer<Float>
    private let floats: Scratch<Float>
    private let sums: UnsafeMutablePointer<Float>
    /// Lanes of slopes, with their signs cleared; lanes whose coefficients' signs are cleared.
    private let slopeMasks: [SIMD8<UInt32>]
    let coefficientMasks: [SIMD8<UInt32>]
    /// Lanes of the slopes, the centre, the radius and the size, two vectors each.
    private let ownMasks: [SIMD8<UInt32>]

    init(dimension: Int, columns: Int) {
        self.dimension = dimension
        planes = dimension + 3 <= 8 ? 1 : 2
        capacity = LocalNetwork.padded(columns) + 8
        forms = Scratch(capacity * 8 * planes, filler: 0)
        floats = Scratch(capacity * 5 + 3 * Self.lanes + 4 * Self.lanes, filler: 0)
        var next = floats.base
        func take(_ count: Int) -> UnsafeMutablePointer<Float> {
            defer { next += count }
            return next
        }
        lower = take(capacity)
        upper = take(capacity)
        size = take(capacity)
        rounding = take(capacity)
        value = take(capacity)
        centre = take(Self.lanes)
        half = take(Self.lanes)
        sums = take(4 * Self.lanes)
        var slopeMasks = [SIMD8<UInt32>](repeating: SIMD8(), count: 2)
        var masks = [SIMD8<UInt32>](repeating: SIMD8(repeating: .max), count: 2)
        for lane in 0..<dimension { slopeMasks[lane >> 3][lane & 7] = Self.sizeMask }
        for lane in [dimension + 1, dimension + 2] { masks[lane >> 3][lane & 7] = Self.sizeMask }
        self.slopeMasks = slopeMasks
        coefficientMasks = masks
        var ownMasks = [SIMD8<UInt32>](repeating: SIMD8(), count: 8)
        for lane in 0..<(dimension + 3) {
            ownMasks[2 * max(lane + 1 - dimension, 0) + (lane >> 3)][lane & 7] = .max
        }
        self.ownMasks = ownMasks
    }

    /// γ_n = n u / (1 − n u): the relative error of a sum of products with `terms` roundings.
    static func gamma(_ terms: Int) -> Float {
        let roundings = Float(terms + furtherRoundings) * unitRoundoff
        return roundings < 0.5 ? roundings / (1 - roundings) : .infinity
    }

    /// The variables' forms for values from `low` through `high`.
    func setBox(low: (Int) -> Float, high: (Int) -> Float) {
        forms.base.update(repeating: 0, count: 8)
        if planes == 2 { (forms.base + capacity * 8).update(repeating: 0, count: 8) }
        write(0, lane: dimension, 1)
        write(0, lane: dimension + 2, 1)
        size[0] = 1
        value[0] = 1
        for variable in 0..<dimension {
            let column = 1 + variable
            let (a, b) = (low(variable), high(variable))
            let middle = a == b ? a : 0.5 * a + 0.5 * b
            // Roundings of the middle and of the half must not leave an end outside.
            let reach =
                a == b ? 0 : (0.5 * b - 0.5 * a) * (1 + 0x1p-21) + (abs(a) + abs(b)) * 0x1p-22
            for plane in 0..<planes {
                (forms.base + plane * capacity * 8 + column * 8).update(repeating: 0, count: 8)
            }
            write(column, lane: variable, reach)
            write(column, lane: dimension, middle)
            write(column, lane: dimension + 2, abs(middle) + reach)
            centre[variable] = middle
            half[variable] = reach
            size[column] = abs(middle) + reach
            value[column] = middle
        }
    }

    @inline(__always)
    private func write(_ column: Int, lane: Int, _ number: Float) {
        forms.base[(lane >> 3) * capacity * 8 + column * 8 + (lane & 7)] = number
    }

    @inline(__always)
    func form(_ column: Int, lane: Int) -> Float {
        forms.base[(lane >> 3) * capacity * 8 + column * 8 + (lane & 7)]
    }

    /// Encloses every neuron of `network` in the box set before.
    func enclose(_ network: LocalNetwork) {
        for layer in network.layers { enclose(layer) }
    }

    /// Encloses the neurons of one layer, those of the layers below being enclosed.
    func enclose(_ layer: LocalLayer) {
        let gamma = Self.gamma(layer.columns)
        var row = 0
        while row < layer.rows {
            let count = min(4, layer.rows - row)
            for plane in 0..<planes { sum(layer, row: row, count: count, plane: plane) }
            for offset in 0..<count {
                finish(layer, row: row + offset, from: sums + offset * Self.lanes, gamma)
            }
            row += count
        }
        evaluate(layer)
    }

    /// Takes over bounds (not forms) of `count` columns of `other`.
    func take(_ other: BoxForms, from: Int, to: Int, count: Int) {
        (lower + to).update(from: other.lower + from, count: count)
        (upper + to).update(from: other.upper + from, count: count)
        (size + to).update(from: other.size + from, count: count)
    }

    /// Moves the columns `order`, which rises and counts from `first`, to `first`.
    func keep(_ order: UnsafePointer<Int32>, count: Int, from first: Int) {
        for kept in 0..<count {
            let (from, to) = (first + Int(order[kept]), first + kept)
            guard from != to else { continue }
            for numbers in [lower, upper, size, rounding, value] { numbers[to] = numbers[from] }
            for plane in 0..<planes {
                let place = forms.base + plane * capacity * 8
                (place + to * 8).update(from: place + from * 8, count: 8)
            }
        }
    }

    /// Four rows' sums of coefficient × form, one plane of lanes, into `sums`.
    private func sum(_ layer: LocalLayer, row: Int, count: Int, plane: Int) {
        let mask = coefficientMasks[plane]
        let forms = UnsafeRawPointer(self.forms.base + plane * capacity * 8)
        let first = UnsafePointer(layer.coefficients.base) + row * layer.stride
        // Fewer than four rows are left: the last is summed again.
        let second = first + min(1, count - 1) * layer.stride
        let third = first + min(2, count - 1) * layer.stride
        let fourth = first + min(3, count - 1) * layer.stride
        var a = SIMD8<Float>()
        var b = a
        var c = a
        var d = a
        @inline(__always) func add(_ columns: Range<Int>) {
            for column in columns {
                let form = forms.loadUnaligned(
                    fromByteOffset: column * 32, as: SIMD8<Float>.self)
                a.addProduct(SIMD8.masked(first[column], mask), form)
                b.addProduct(SIMD8.masked(second[column], mask), form)
                c.addProduct(SIMD8.masked(third[column], mask), form)
                d.addProduct(SIMD8.masked(fourth[column], mask), form)
            }
        }
        add(0..<(1 + dimension))
        add(min(max(layer.firstColumn, 1 + dimension), layer.columns)..<layer.columns)
        let place = UnsafeMutableRawPointer(sums + plane * 8)
        let step = Self.lanes * 4
        place.storeBytes(of: a, as: SIMD8<Float>.self)
        place.storeBytes(of: b, toByteOffset: step, as: SIMD8<Float>.self)
        place.storeBytes(of: c, toByteOffset: 2 * step, as: SIMD8<Float>.self)
        place.storeBytes(of: d, toByteOffset: 3 * step, as: SIMD8<Float>.self)
    }

    /// Bounds of one neuron's input and the form of its output.
    ///
    /// Where it may switch, the output lies between λz and λ(z − l), λ = u / (u − l): a band
    /// around the middle of the two.
    private func finish(
        _ layer: LocalLayer, row: Int, from sums: UnsafeMutablePointer<Float>, _ gamma: Float
    ) {
        let column = layer.ownColumn + row
        var slopes: Float = 0
        for plane in 0..<planes {
            let part = UnsafeRawPointer(sums + plane * 8).loadUnaligned(as: SIMD8<UInt32>.self)
            slopes += unsafeBitCast(part & slopeMasks[plane], to: SIMD8<Float>.self).sum()
        }
        let middle = sums[dimension]
        let error = gamma * sums[dimension + 2]
        let radius = sums[dimension + 1] + layer.radii.base[row] + error
        let low = middle - slopes - radius
        let high = middle + slopes + radius
        lower[column] = low
        upper[column] = high
        rounding[column] = error
        size[column] = max(high, 0)
        var share: Float = 1
        var lift: Float = 0
        if high <= 0 {
            share = 0
        } else if low < 0 {
            share = high / (high - low)
            lift = -0.5 * share * low
        }
        let moved = middle * share + lift
        let reach = radius * share + lift
        let whole = abs(moved) + slopes * share + reach
        let place = UnsafeMutableRawPointer(forms.base + column * 8)
        for plane in 0..<planes {
            let part = UnsafeRawPointer(sums + plane * 8).loadUnaligned(as: SIMD8<Float>.self)
            let shared = unsafeBitCast(part * SIMD8(repeating: share), to: SIMD8<UInt32>.self)
            var bits = shared & ownMasks[plane]
            bits |= SIMD8(repeating: moved.bitPattern) & ownMasks[2 + plane]
            bits |= SIMD8(repeating: reach.bitPattern) & ownMasks[4 + plane]
            bits |= SIMD8(repeating: whole.bitPattern) & ownMasks[6 + plane]
            place.storeBytes(
                of: bits, toByteOffset: plane * capacity * 32, as: SIMD8<UInt32>.self)
        }
    }

    /// The layer's outputs at the centre, for the place of a tangent: no bound hangs on them.
    ///
    /// Four rows at a time, so that no sum waits for another.
    private func evaluate(_ layer: LocalLayer) {
        let values = UnsafePointer(value)
        let prefix = 1 + dimension
        let start = min(max(layer.firstColumn, prefix), layer.columns)
        var row = 0
        while row < layer.rows {
            let count = min(4, layer.rows - row)
            let first = UnsafePointer(layer.coefficients.base) + row * layer.stride
            let second = first + min(1, count - 1) * layer.stride
            let third = first + min(2, count - 1) * layer.stride
            let fourth = first + min(3, count - 1) * layer.stride
            var sums = SIMD4<Float>()
            @inline(__always) func add(_ column: Int) {
                let part = SIMD4(first[column], second[column], third[column], fourth[column])
                sums.addProduct(part, SIMD4(repeating: values[column]))
            }
            for column in 0..<prefix { add(column) }
            var a = SIMD8<Float>()
            var b = a
            var c = a
            var d = a
            var column = start
            while column + 8 <= layer.columns {
                let value = SIMD8.load(values + column)
                a.addProduct(SIMD8.load(first + column), value)
                b.addProduct(SIMD8.load(second + column), value)
                c.addProduct(SIMD8.load(third + column), value)
                d.addProduct(SIMD8.load(fourth + column), value)
                column += 8
            }
            while column < layer.columns {
                add(column)
                column += 1
            }
            sums += SIMD4(a.sum(), b.sum(), c.sum(), d.sum())
            for offset in 0..<count {
                value[layer.ownColumn + row + offset] = max(sums[offset], 0)
            }
            row += count
        }
    }
}
