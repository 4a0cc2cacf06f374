import Spectra
import Surrogates

/// The losses of the recipes of a leaf, without most of their spectra.
///
/// A spectrum is a sum of few spectra h·w, one per neuron that is on. Its length and its product
/// with the target follow from the products of those with each other and with the target, which
/// are kept from leaf to leaf; and it needs to be known itself only where it may be largest or
/// least for a recipe of the leaf, which the ranges of the outputs h tell.
final class LeafSpectra {
    /// Neurons whose products are kept; leaves with as many or more go one recipe at a time.
    static let slots = 128
    private static let leaf = CellNetwork.leaf

    private let outputs: Int
    /// Outputs in whole vectors; those behind the last repeat the first.
    private let width: Int
    private let loss: Loss
    private let shape: SpectrumShape
    private let spectra: LeafWavelengths
    /// By slot: the neuron, the sum of its spectrum, its product with the target. The first slot
    /// is the bias.
    private let neurons = Scratch<Int32>(slots, filler: 0)
    private let totals = Scratch<Double>(slots, filler: 0)
    private let likenesses = Scratch<Double>(slots, filler: 0)
    /// `products[larger slot * slots + smaller slot]`.
    private let products = Scratch<Double>(slots * slots, filler: 0)
    private var slotCount = 0
    /// The slot of every neuron, -1 where it has none.
    private let slotOf: Scratch<Int32>
    private let target: [Double]
    private let targetTotal: Double
    /// Of a leaf: slots of its neurons, twice their products.
    private let places = Scratch<Int32>(slots, filler: 0)
    private let heights: Scratch<Float>
    private let squares = Scratch<Double>(leaf, filler: 0)
    private let sums = Scratch<Double>(leaf, filler: 0)
    private let alike = Scratch<Double>(leaf, filler: 0)
    private let one: Scratch<Float>
    private let active: Scratch<Int32>

    init(layer: DenseNetwork.Layer, loss: Loss) {
        outputs = layer.outputs
        width = CellKernels.padded(layer.outputs, 8)
        self.loss = loss
        shape = SpectrumShape(layer: layer, target: loss.target)
        spectra = LeafWavelengths(layer: layer)
        slotOf = Scratch(layer.inputs + 1, filler: -1)
        let length = loss.target.reduce(0) { $0 + $1 * $1 }.squareRoot()
        target = loss.target.map { $0 / length }
        targetTotal = target.reduce(0, +)
        heights = Scratch((layer.inputs + 1) * Self.leaf, filler: 0)
        one = Scratch(layer.inputs + 1, filler: 0)
        active = Scratch(layer.inputs + 1, filler: 0)
        _ = take(layer.inputs)
    }

    /// The losses of the first `count` recipes of a leaf, those `order` names, from what is on.
    func losses(
        of live: CellCandidates.Live, count: Int, order: UnsafePointer<Int32>,
        into losses: UnsafeMutablePointer<Double>
    ) {
        guard live.count < Self.slots else {
            singly(live, count, order, losses)
            return
        }
        place(live)
        let number = live.count + 1
        rectify(live)
        let (floors, peaks) = spectra.extremes(
            units: live.units, heights: heights.base, count: live.count)
        measure(number)
        let total = Double(outputs)
        for point in 0..<count {
            let floor = Double(floors[point])
            let square =
                squares.base[point] - floor * (2 * sums.base[point] - total * floor)
            let product = alike.base[point] - floor * targetTotal
            var result = 1.0
            if floors[point] < peaks[point], square > 0, square.isFinite {
                result -= loss.amplitudeFactor(Double(peaks[point])) * product / square.squareRoot()
            }
            losses[Int(order[point])] = result
        }
    }

    /// The same one recipe after the other.
    private func singly(
        _ live: CellCandidates.Live, _ count: Int, _ order: UnsafePointer<Int32>,
        _ losses: UnsafeMutablePointer<Double>
    ) {
        for point in 0..<count {
            var on = 0
            for index in 0..<live.count {
                let value = live.outputs[index &* Self.leaf &+ point]
                active.base[on] = live.units[index]
                one.base[on] = value
                on &+= value > 0 ? 1 : 0
            }
            let parts = shape.parts(units: active.base, values: one.base, count: on)
            var result = 1.0
            if parts.square > 0, parts.square.isFinite {
                let cosine = Double(parts.product) / Double(parts.square).squareRoot()
                result -= loss.amplitudeFactor(Double(parts.peak)) * cosine
            }
            losses[Int(order[point])] = result
        }
    }

    /// Outputs of the bias and the neurons, none below zero.
    private func rectify(_ live: CellCandidates.Live) {
        let zero = SIMD8<Float>()
        for point in 0..<Self.leaf { heights.base[point] = 1 }
        let target = heights.base + Self.leaf
        var place = 0
        while place < live.count &* Self.leaf {
            SIMD8.load(live.outputs + place).larger(zero).store(to: target + place)
            place &+= 8
        }
    }

    /// Finds or makes the slots of the neurons.
    private func place(_ live: CellCandidates.Live) {
        var missing = 0
        for index in 0..<live.count where slotOf.base[Int(live.units[index])] < 0 { missing += 1 }
        if slotCount + missing > Self.slots {
            for slot in 1..<slotCount { slotOf.base[Int(neurons.base[slot])] = -1 }
            slotCount = 1
        }
        places.base[0] = 0
        for index in 0..<live.count {
            let unit = Int(live.units[index])
            let slot = slotOf.base[unit]
            places.base[1 + index] = slot < 0 ? take(unit) : slot
        }
    }

    /// Makes a slot for `neuron`.
    private func take(_ neuron: Int) -> Int32 {
        let slot = slotCount
        let own = spectra.row(neuron)
        neurons.base[slot] = Int32(truncatingIfNeeded: neuron)
        slotOf.base[neuron] = Int32(truncatingIfNeeded: slot)
        slotCount += 1
        var total = 0.0
        var likeness = 0.0
        for output in 0..<outputs {
            total += Double(own[output])
            likeness += Double(own[output]) * target[output]
        }
        totals.base[slot] = total
        likenesses.base[slot] = likeness
        for other in 0...slot {
            let row = spectra.row(Int(neurons.base[other]))
            products.base[slot * Self.slots + other] = Self.product(own, row, outputs)
        }
        return Int32(truncatingIfNeeded: slot)
    }

    private static func product(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
    ) -> Double {
        var sum = SIMD8<Double>()
        var index = 0
        while index + 8 <= count {
            sum.addProduct(SIMD8<Double>(SIMD8.load(a + index)), SIMD8(SIMD8.load(b + index)))
            index &+= 8
        }
        var result = sum.sum()
        while index < count {
            result += Double(a[index]) * Double(b[index])
            index &+= 1
        }
        return result
    }

    /// |S|², ΣS and ⟨S, T̂⟩ of every recipe, `number` spectra each.
    private func measure(_ number: Int) {
        var point = 0
        while point < Self.leaf {
            var (square, sum, alike) = (SIMD4<Double>(), SIMD4<Double>(), SIMD4<Double>())
            for index in 0..<number {
                let slot = Int(places.base[index])
                let height = height(index, point)
                var half = SIMD4<Double>()
                for other in 0..<index {
                    let with = Int(places.base[other])
                    let place = max(slot, with) &* Self.slots &+ min(slot, with)
                    half.addProduct(
                        self.height(other, point), SIMD4(repeating: products.base[place]))
                }
                half += half
                let own = products.base[slot &* Self.slots &+ slot]
                half.addProduct(height, SIMD4(repeating: own))
                square.addProduct(half, height)
                sum.addProduct(height, SIMD4(repeating: totals.base[slot]))
                alike.addProduct(height, SIMD4(repeating: likenesses.base[slot]))
            }
            for lane in 0..<4 {
                squares.base[point + lane] = square[lane]
                sums.base[point + lane] = sum[lane]
                self.alike.base[point + lane] = alike[lane]
            }
            point &+= 4
        }
    }

    @inline(__always)
    private func height(_ index: Int, _ point: Int) -> SIMD4<Double> {
        let place = UnsafeRawPointer(heights.base + (index &* Self.leaf &+ point))
        return SIMD4<Double>(place.loadUnaligned(as: SIMD4<Float>.self))
    }
}
