import Surrogates

/// The rows of a network's last layer that are in use, with what a spectrum's length and its
/// product with the target need of them.
///
/// Most neurons of the last hidden layer are never on among neighbours; so a row is taken when its
/// neuron is first on, and gets the next slot. Sums and products are made in double precision:
/// the products of single ones are exact there, and the floor can be taken from them afterwards.
final class ShapeRows {
    /// What is asked of a row beside its values.
    struct Sums {
        /// Σ over the outputs.
        var sum: Double
        /// The product with the target.
        var target: Double
        /// Twice the product with the bias; of the bias itself, once.
        var bias: Double
    }

    let outputs: Int
    /// Outputs, rounded up to whole tiles; those behind the last repeat the first.
    let width: Int
    /// The bias, `width` numbers.
    let bias: UnsafePointer<Float>
    private(set) var biasSums = Sums(sum: 0, target: 0, bias: 0)

    private let layer: DenseNetwork.Layer
    /// Of length 1.
    private let target: [Float]
    private let slots: Scratch<Int32>
    private var count = 0
    /// Slots there is room for.
    private var room = 0
    private var rows: Scratch<Float>
    private var rowSums: Scratch<Double>
    private var products: Scratch<Double>
    private let edge: Scratch<Float>

    /// Rows of `layer`, padded to whole blocks of `tile` outputs; `target` has a number per output.
    init(layer: DenseNetwork.Layer, target: [Float], tile: Int) {
        self.layer = layer
        self.target = target
        outputs = layer.outputs
        width = CellKernels.padded(layer.outputs, tile)
        slots = Scratch(layer.inputs, filler: -1)
        rows = Scratch(filler: 0)
        rowSums = Scratch(filler: 0)
        products = Scratch(filler: 0)
        edge = Scratch(width, filler: 0)
        bias = UnsafePointer(edge.base)
        layer.bias.withUnsafeBufferPointer { pad($0, from: 0, into: edge.base) }
        biasSums = Sums(
            sum: (0..<outputs).reduce(0) { $0 + Double(edge.base[$1]) },
            target: (0..<outputs).reduce(0) { $0 + Double(edge.base[$1]) * Double(target[$1]) },
            bias: dot(bias, bias))
    }

    /// The slot of the row of neuron `unit`.
    @inline(__always)
    func slot(of unit: Int32) -> Int {
        let slot = slots.base[Int(unit)]
        return slot >= 0 ? Int(slot) : take(Int(unit))
    }

    /// `width` numbers per slot.
    var values: UnsafePointer<Float> { UnsafePointer(rows.base) }

    @inline(__always)
    func sums(_ slot: Int) -> Sums {
        let place = rowSums.base + 3 &* slot
        return Sums(sum: place[0], target: place[1], bias: place[2])
    }

    /// The product of the row of `slot` with itself, or twice that with another.
    @inline(__always)
    func product(_ slot: Int, _ other: Int) -> Double {
        let known = products.base[slot &* room &+ other]
        return known == 0 ? multiply(slot, other) : known
    }

    /// A product is worked out when it is first asked for: many pairs of rows never are.
    private func multiply(_ slot: Int, _ other: Int) -> Double {
        let once = dot(rows.base + slot * width, rows.base + other * width)
        let product = slot == other ? once : 2 * once
        products.base[slot * room + other] = product
        products.base[other * room + slot] = product
        return product
    }

    private func take(_ unit: Int) -> Int {
        if count == room { grow() }
        let slot = count
        count += 1
        slots.base[unit] = Int32(truncatingIfNeeded: slot)
        let row = rows.base + slot * width
        layer.kernel.withUnsafeBufferPointer { pad($0, from: unit * outputs, into: row) }
        var (sum, product) = (0.0, 0.0)
        for output in 0..<outputs {
            sum += Double(row[output])
            product += Double(row[output]) * Double(target[output])
        }
        rowSums.base[3 * slot] = sum
        rowSums.base[3 * slot + 1] = product
        rowSums.base[3 * slot + 2] = 2 * dot(row, bias)
        return slot
    }

    /// Room for twice as many slots, at most one per neuron.
    private func grow() {
        let more = min(max(16, 2 * room), layer.inputs)
        let (newRows, newSums) = (
            Scratch<Float>(more * width, filler: 0), Scratch<Double>(3 * more, filler: 0)
        )
        let newProducts = Scratch<Double>(more * more, filler: 0)
        newRows.base.update(from: rows.base, count: count * width)
        newSums.base.update(from: rowSums.base, count: 3 * count)
        for slot in 0..<count {
            (newProducts.base + slot * more).update(
                from: products.base + slot * room, count: count)
        }
        (rows, rowSums, products, room) = (newRows, newSums, newProducts, more)
    }

    /// A row of `outputs` numbers of `source`, filled up with its first.
    private func pad(
        _ source: UnsafeBufferPointer<Float>, from first: Int,
        into row: UnsafeMutablePointer<Float>
    ) {
        for output in 0..<outputs { row[output] = source[first + output] }
        for output in outputs..<max(outputs, width) { row[output] = row[0] }
    }

    /// The product of two rows.
    private func dot(_ one: UnsafePointer<Float>, _ other: UnsafePointer<Float>) -> Double {
        var (a, b) = (SIMD4<Double>(), SIMD4<Double>())
        var output = 0
        while output &+ 8 <= outputs {
            let (x, y) = (SIMD8.load(one + output), SIMD8.load(other + output))
            a.addProduct(x.lowHalf.doubles, y.lowHalf.doubles)
            b.addProduct(x.highHalf.doubles, y.highHalf.doubles)
            output &+= 8
        }
        var sum = (a + b).sum()
        while output < outputs {
            sum += Double(one[output]) * Double(other[output])
            output &+= 1
        }
        return sum
    }
}
