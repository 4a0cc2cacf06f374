import Spectra
import Surrogates

/// The last layer of a network and the target, with the products among their rows that the
/// tangent of the loss needs: it is worked out without touching every wavelength.
final class OutputLayer {
    let hidden: Int
    let outputs: Int
    /// Outputs, rounded up to whole tiles.
    let width: Int
    /// Outputs of a tile.
    static let tile = 32
    private let storage: Scratch<Float>
    let kernel: UnsafeMutablePointer<Float>
    let bias: UnsafeMutablePointer<Float>
    private let target: UnsafeMutablePointer<Float>
    private let spectrum: UnsafeMutablePointer<Float>
    let lanes: UnsafeMutablePointer<Float>
    /// `hidden × hidden`: products of the neurons' rows.
    private let gram: UnsafeMutablePointer<Float>
    let units: [Unit]
    let largestBias: Float
    private var biasSquare = 0.0
    private var biasSum = 0.0
    private var biasTarget = 0.0
    private var targetSum = 0.0
    /// How much the output last asked for changes along every variable over half the box.
    var peakSlopes = [Double](repeating: 0, count: BoxForms.lanes)

    /// A row of the last layer: what one hidden neuron adds to the outputs.
    struct Unit {
        /// Length, and largest size of an element, not rounded down.
        var length: Float
        var size: Float
        var target: Double
        var bias: Double
        var sum: Double
    }

    init(network: DenseNetwork, loss: Loss) {
        let last = network.layers[network.layers.count - 1]
        hidden = last.inputs
        outputs = last.outputs
        width = (outputs + Self.tile - 1) / Self.tile * Self.tile
        storage = Scratch((hidden + 3) * width + 3 * Self.tile + hidden * hidden, filler: 0)
        kernel = storage.base
        bias = kernel + hidden * width
        target = bias + width
        spectrum = target + width
        lanes = spectrum + width
        gram = lanes + 3 * Self.tile
        let length = loss.target.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for output in 0..<outputs {
            bias[output] = last.bias[output]
            target[output] = Float(loss.target[output] / length)
            let value = Double(bias[output])
            biasSquare += value * value
            biasSum += value
            biasTarget += value * Double(target[output])
            targetSum += Double(target[output])
        }
        largestBias = last.bias.reduce(0) { max($0, abs($1)) }
        for unit in 0..<hidden {
            for output in 0..<outputs {
                kernel[unit * width + output] = last.kernel[unit * outputs + output]
            }
        }
        let (rows, biasRow, targetRow) = (kernel, bias, target)
        let (width, outputs) = (self.width, self.outputs)
        func product(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>) -> Double {
            Self.product(a, b, count: width)
        }
        units = (0..<last.inputs).map { unit in
            let row = rows + unit * width
            var sum = 0.0
            var size: Float = 0
            for output in 0..<outputs {
                sum += Double(row[output])
                size = max(size, abs(row[output]))
            }
            return Unit(
                length: Float(product(row, row).squareRoot()) * (1 + 0x1p-18), size: size,
                target: product(row, targetRow), bias: product(row, biasRow), sum: sum)
        }
        for first in 0..<hidden {
            for second in 0...first {
                let value = Float(product(rows + first * width, rows + second * width))
                gram[first * hidden + second] = value
                gram[second * hidden + first] = value
            }
        }
    }

    /// Sum of products over `count`, a multiple of 32: parts of 32 in single precision, their sum
    /// in double.
    private static func product(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
    ) -> Double {
        var sum = 0.0
        var index = 0
        while index < count {
            var part = SIMD8.load(a + index) * SIMD8.load(b + index)
            part.addProduct(SIMD8.load(a + index + 8), SIMD8.load(b + index + 8))
            part.addProduct(SIMD8.load(a + index + 16), SIMD8.load(b + index + 16))
            part.addProduct(SIMD8.load(a + index + 24), SIMD8.load(b + index + 24))
            sum += Double(part.sum())
            index += 32
        }
        return sum
    }

    /// The spectrum at the centre of a box.
    struct Centre {
        var peakPlace = 0
        var floorPlace = 0
        var floor = 0.0
        var peak = 0.0
        /// |v|² and ⟨v, T̂⟩ of v = S − floor.
        var square = 0.0
        var product = 0.0
        /// Σ v.
        var sum = 0.0
        /// How far rounding may have moved any of its values.
        var rounding = 0.0
    }

    /// Calculates the spectrum at the centre.
    func centre(_ network: LocalNetwork, _ known: BoxForms) -> Centre {
        let last = network.layers[network.layers.count - 1]
        return centre(network, values: known.value + last.ownColumn, stride: 1, places: true)
    }

    /// Calculates the spectrum for outputs of the last hidden layer that lie `stride` apart;
    /// where peak and floor are only for those who ask for `places`.
    func centre(
        _ network: LocalNetwork, values: UnsafePointer<Float>, stride: Int, places: Bool
    ) -> Centre {
        let last = network.layers[network.layers.count - 1]
        spectrum.update(from: bias, count: width)
        let raw = UnsafeMutableRawPointer(spectrum)
        var size = largestBias
        var active = 1
        for row in 0..<last.rows {
            let value = values[row * stride]
            guard value > 0 else { continue }
            let unit = Int(network.origins.base[row])
            active += 1
            size += value * units[unit].size
            let factor = SIMD8(repeating: value)
            var index = 0
            while index < width {
                var part = SIMD8.load(spectrum + index)
                part.addProduct(SIMD8.load(kernel + unit * width + index), factor)
                raw.storeBytes(of: part, toByteOffset: index * 4, as: SIMD8<Float>.self)
                index += 8
            }
        }
        var centre = Centre()
        centre.rounding = Double(BoxForms.gamma(active) * size)
        extremes(&centre, places: places)
        let floor = SIMD8(repeating: Float(centre.floor))
        var squares = SIMD8<Float>()
        var products = SIMD8<Float>()
        var sums = SIMD8<Float>()
        var index = 0
        while index + 8 <= outputs {
            let value = SIMD8.load(spectrum + index) - floor
            squares.addProduct(value, value)
            sums += value
            products.addProduct(value, SIMD8.load(target + index))
            index += 8
        }
        centre.square = Double(squares.sum())
        centre.product = Double(products.sum())
        centre.sum = Double(sums.sum())
        while index < outputs {
            let value = Double(spectrum[index]) - centre.floor
            centre.square += value * value
            centre.sum += value
            centre.product += value * Double(target[index])
            index += 1
        }
        return centre
    }

    private func extremes(_ centre: inout Centre, places: Bool) {
        var high = SIMD8<Float>(repeating: -.infinity)
        var low = SIMD8<Float>(repeating: .infinity)
        var index = 0
        while index + 8 <= outputs {
            let part = SIMD8.load(spectrum + index)
            high.replace(with: part, where: part .> high)
            low.replace(with: part, where: part .< low)
            index += 8
        }
        var peak = high.max()
        var floor = low.min()
        while index < outputs {
            peak = peak < spectrum[index] ? spectrum[index] : peak
            floor = floor > spectrum[index] ? spectrum[index] : floor
            index += 1
        }
        centre.floor = Double(floor)
        centre.peak = Double(peak)
        guard places else { return }
        while centre.peakPlace < outputs - 1, spectrum[centre.peakPlace] != peak {
            centre.peakPlace += 1
        }
        while centre.floorPlace < outputs - 1, spectrum[centre.floorPlace] != floor {
            centre.floorPlace += 1
        }
    }

    /// A linear function of the spectrum above ⟨v, T̂⟩ − c |v|.
    struct Tangent {
        /// What does not depend on the hidden layer.
        var constant = 0.0
        /// Σ of T̂ − share · v₀. Where it is not negative, `sum` times the least absorbance is
        /// still to be taken off; else that is in the weights, by −min S · Σ ≤ −S(place) · Σ.
        var sum = 0.0
        /// What rounding may have taken off.
        var slack = 0.0
    }

    /// Whether a tangent of `cosine` may not go without a bound of the least absorbance: the
    /// target is so flat that a flat spectrum has that cosine.
    func needsFloor(_ cosine: Double) -> Bool {
        let wanted = cosine - 1e-6
        return wanted * wanted * Double(outputs) <= targetSum * targetSum
    }

    /// Lowers the floor of v₀ until Σ of the tangent of `cosine` is below zero.
    ///
    /// Any v₀ gives a tangent; one that adds up to less than nothing needs no bound of the least
    /// absorbance. With v₀ + t, Σ T̂ |v₀ + t| = c Σ (v₀ + t) is a quadratic equation of t. Where
    /// it has no solution (the target is all but flat), `centre` stays.
    func lower(_ centre: inout Centre, until cosine: Double) {
        let count = Double(outputs)
        let wanted = cosine * cosine
        let missing = targetSum * targetSum * centre.square - wanted * centre.sum * centre.sum
        let room = wanted * count - targetSum * targetSum
        guard missing > 0, room > 0 else { return }
        let root = (centre.sum * centre.sum + count * missing / room).squareRoot()
        // A little further: rounding must not leave the sum above zero.
        let fall = (root - centre.sum) / count * (1 + 1e-5) + 1e-6
        guard fall.isFinite, fall >= 0 else { return }
        centre.floor -= fall
        centre.square += fall * (2 * centre.sum + count * fall)
        centre.product += fall * targetSum
        centre.sum += count * fall
    }

    /// The tangent T̂ − `share` · v₀ at `centre`, as weights of the last hidden layer's rows.
    ///
    /// v₀ is the exact sum over the neurons active at the centre, so that a weight is a sum of
    /// products of rows known beforehand, with the products' rounding in `slack`.
    func tangent(
        share: Double, _ centre: Centre, _ network: LocalNetwork, _ known: BoxForms,
        weights: UnsafeMutablePointer<Double>
    ) -> Tangent {
        let last = network.layers[network.layers.count - 1]
        let origins = UnsafePointer(network.origins.base)
        var tangent = Tangent()
        var length = biasSquare.squareRoot() + Double(outputs).squareRoot() * abs(centre.floor)
        var sum = biasSum - centre.floor * Double(outputs)
        var constant = biasSquare - centre.floor * biasSum
        for row in 0..<last.rows {
            let unit = units[Int(origins[row])]
            weights[row] = unit.bias - centre.floor * unit.sum
        }
        for active in 0..<last.rows {
            let value = Double(known.value[last.ownColumn + active])
            guard value > 0 else { continue }
            let unit = units[Int(origins[active])]
            length += value * Double(unit.length)
            sum += value * unit.sum
            constant += value * unit.bias
            let products = UnsafePointer(gram) + Int(origins[active]) * hidden
            for row in 0..<last.rows {
                weights[row] += value * Double(products[Int(origins[row])])
            }
        }
        tangent.sum = targetSum - share * sum
        tangent.constant = biasTarget - share * constant
        let less = max(-tangent.sum, 0)
        var sizes = biasSquare.squareRoot()
        for row in 0..<last.rows {
            let index = Int(origins[row])
            weights[row] =
                units[index].target - share * weights[row]
                + less * Double(kernel[index * width + centre.floorPlace])
            sizes += Double(units[index].length) * Double(known.size[last.ownColumn + row])
        }
        tangent.constant += less * Double(bias[centre.floorPlace])
        // Products are rounded by at most 8 units of single precision of the rows' lengths.
        tangent.slack = (1 + share * length) * sizes * 0x1p-20
        return tangent
    }

    /// Bound of the size of an output over the box, and of its rounding error.
    func size(
        _ network: LocalNetwork, _ known: BoxForms
    ) -> (size: Double, rounding: Double) {
        let last = network.layers[network.layers.count - 1]
        var size = largestBias
        for row in 0..<last.rows {
            size += units[Int(network.origins.base[row])].size * known.size[last.ownColumn + row]
        }
        return (Double(size), Double(BoxForms.gamma(last.rows) * size))
    }
}
