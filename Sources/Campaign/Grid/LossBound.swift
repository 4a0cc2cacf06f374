import Spectra
import Surrogates

/// Bounds of the loss over a box, from what is known of the last hidden layer.
///
/// With v = S − min S and T̂ the target of length 1, cos ≥ c means ⟨v, T̂⟩ − c |v| ≥ 0. The left
/// side is concave in v and homogeneous, so at any v₀ it lies below its tangent ⟨v, T̂ − c v₀/|v₀|⟩:
/// a linear function of the spectrum, which goes through the last layer as one row. Its largest
/// value over the box follows from the rectifiers' linear bounds, chosen by the sign of what
/// stands before them and put in from the last layer to the first (Zhang et al., "Efficient neural
/// network robustness certification with general activation functions", 2018).
final class LossBound {
    let outputs: Int
    /// Outputs, rounded up to whole tiles.
    let width: Int
    /// Outputs of a tile.
    static let tile = 32
    private let kernel: UnsafeMutablePointer<Float>
    private let bias: UnsafeMutablePointer<Float>
    private let target: UnsafeMutablePointer<Float>
    private let spectrum: UnsafeMutablePointer<Float>
    private let tangent: UnsafeMutablePointer<Float>
    private let storage: Scratch<Float>
    private let back: Scratch<Double>
    /// Weight of every neuron of the last hidden layer in the tangent.
    private let weights: Scratch<Float>
    /// Length and largest size of a neuron's row of the last layer, rounded up.
    private let lengths: [Float]
    private let sizes: [Float]
    private let largestBias: Float
    let amplitudeLow: Double
    let amplitudeHigh: Double
    private let lanes: Scratch<Float>
    private let hidden: Int

    init(network: DenseNetwork, loss: Loss, columns: Int) {
        let last = network.layers[network.layers.count - 1]
        outputs = last.outputs
        hidden = last.inputs
        width = (last.outputs + Self.tile - 1) / Self.tile * Self.tile
        storage = Scratch((last.inputs + 4) * width, filler: 0)
        kernel = storage.base
        bias = kernel + last.inputs * width
        target = bias + width
        spectrum = target + width
        tangent = spectrum + width
        back = Scratch(columns + 16, filler: 0)
        weights = Scratch(last.inputs + 8, filler: 0)
        lanes = Scratch(3 * Self.tile, filler: 0)
        amplitudeLow = loss.amplitudeLow
        amplitudeHigh = loss.amplitudeHigh
        var lengths: [Float] = []
        var sizes: [Float] = []
        for unit in 0..<last.inputs {
            var square = 0.0
            var size: Float = 0
            for output in 0..<last.outputs {
                let weight = last.kernel[unit * last.outputs + output]
                kernel[unit * width + output] = weight
                square += Double(weight) * Double(weight)
                size = max(size, abs(weight))
            }
            lengths.append(Float(square.squareRoot()) * (1 + 0x1p-20))
            sizes.append(size)
        }
        self.lengths = lengths
        self.sizes = sizes
        largestBias = last.bias.reduce(0) { max($0, abs($1)) }
        let square = loss.target.reduce(0) { $0 + $1 * $1 }
        for output in 0..<last.outputs {
            bias[output] = last.bias[output]
            target[output] = Float(loss.target[output] / square.squareRoot())
        }
    }

    /// What is known of a box's spectra.
    struct Ranges {
        /// The largest absorbance is between these.
        var peakLow = -Double.infinity
        var peakHigh = Double.infinity
        /// The least absorbance is not below this.
        var floorLow = -Double.infinity
    }

    /// The largest δ there can be.
    func largestFactor(_ ranges: Ranges) -> Double {
        if ranges.peakHigh <= 0 || ranges.peakLow > amplitudeHigh { return 0 }
        return ranges.peakHigh < amplitudeLow ? ranges.peakHigh / amplitudeLow : 1
    }

    /// The spectrum at the centre of a box: its largest and least value, where that is, and what
    /// the sums' rounding may be off in any spectrum of the box.
    struct Centre {
        var peak: Float
        var floor: Float
        var floorPlace: Int
    }

    /// Calculates the spectrum at the centre.
    func centre(_ network: LocalNetwork, _ known: BoxForms) -> Centre {
        let last = network.layers[network.layers.count - 1]
        let spectrum = UnsafeMutableRawPointer(self.spectrum)
        self.spectrum.update(from: bias, count: width)
        for row in 0..<last.rows {
            let value = known.value[last.ownColumn + row]
            guard value > 0 else { continue }
            let weights = UnsafeRawPointer(kernel + Int(network.origins.base[row]) * width)
            let factor = SIMD8(repeating: value)
            var offset = 0
            while offset < width * 4 {
                var part = spectrum.loadUnaligned(
                    fromByteOffset: offset, as: SIMD8<Float>.self)
                part.addProduct(
                    weights.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self), factor)
                spectrum.storeBytes(of: part, toByteOffset: offset, as: SIMD8<Float>.self)
                offset += 32
            }
        }
        var peak = -Float.infinity
        var floor = Float.infinity
        for output in 0..<outputs {
            peak = peak < self.spectrum[output] ? self.spectrum[output] : peak
            floor = floor > self.spectrum[output] ? self.spectrum[output] : floor
        }
        var place = 0
        while place < outputs - 1, self.spectrum[place] != floor { place += 1 }
        return Centre(peak: peak, floor: floor, floorPlace: place)
    }

    /// Bound of the size of an output, and of its rounding error, over the box.
    private func outputSize(_ network: LocalNetwork, _ known: BoxForms) -> (Float, Float) {
        let last = network.layers[network.layers.count - 1]
        var size = largestBias
        for row in 0..<last.rows {
            size += sizes[Int(network.origins.base[row])] * known.size[last.ownColumn + row]
        }
        return (size, BoxForms.gamma(hidden) * size)
    }

    /// Whether every spectrum of the box has a cosine below `cosine` (above 0), by the tangent at
    /// the centre. False means that it is not known.
    func cosineBelow(
        _ cosine: Double, _ centre: Centre, _ ranges: Ranges, _ network: LocalNetwork,
        _ known: BoxForms
    ) -> Bool {
        var square = 0.0
        var product = 0.0
        for output in 0..<outputs {
            let value = spectrum[output] - centre.floor
            square += Double(value * value)
            product += Double(value * target[output])
        }
        guard product < cosine * square.squareRoot(), square > 0 else { return false }
        // Single precision makes of tangent and target neighbours of themselves, farther by less
        // than 4e-7: a little less cosine makes up for it.
        let share = Float((cosine - 2e-6) / square.squareRoot())
        var sum = 0.0
        var sizeSum = 0.0
        var squares = 0.0
        for output in 0..<outputs {
            let value = target[output] - share * (spectrum[output] - centre.floor)
            tangent[output] = value
            sum += Double(value)
            sizeSum += Double(abs(value))
            squares += Double(value * value)
        }
        let (size, rounding) = outputSize(network, known)
        var constant = 0.0
        if sum < 0 {
            // −min S · Σ ≤ −S(place) · Σ: the least value is below the value anywhere.
            let place = centre.floorPlace
            squares += (Double(abs(tangent[place])) - sum) * (Double(abs(tangent[place])) - sum)
            tangent[place] -= Float(sum)
        } else {
            guard ranges.floorLow.isFinite else { return false }
            constant -= ranges.floorLow * sum
        }
        for output in 0..<outputs { constant += Double(tangent[output] * bias[output]) }
        var slack = (sizeSum + 2 * abs(sum)) * (Double(rounding) + 1e-6 * Double(size))
        slack += 1e-9
        slack += pullBack(network, known, squares: squares)
        let top = largestValue(network, known, constant: constant + slack)
        return top < 0
    }

    /// The tangent's weight of every neuron of the last hidden layer; returns what rounding may
    /// add to the tangent: γ |row| |tangent| × output, by Cauchy and Schwarz.
    private func pullBack(
        _ network: LocalNetwork, _ known: BoxForms, squares: Double
    ) -> Double {
        let last = network.layers[network.layers.count - 1]
        let tangent = UnsafeRawPointer(self.tangent)
        var lengthSum = 0.0
        for row in 0..<last.rows {
            let unit = Int(network.origins.base[row])
            let place = UnsafeRawPointer(kernel + unit * width)
            var a = SIMD8<Float>()
            var b = a
            var c = a
            var d = a
            var offset = 0
            while offset < width * 4 {
                a.addProduct(load(place, offset), load(tangent, offset))
                b.addProduct(load(place, offset + 32), load(tangent, offset + 32))
                c.addProduct(load(place, offset + 64), load(tangent, offset + 64))
                d.addProduct(load(place, offset + 96), load(tangent, offset + 96))
                offset += 128
            }
            weights.base[row] = ((a + b) + (c + d)).sum()
            lengthSum += Double(lengths[unit]) * Double(known.size[last.ownColumn + row])
        }
        return Double(BoxForms.gamma(width / 32)) * lengthSum * squares.squareRoot()
    }

    @inline(__always)
    private func load(_ place: UnsafeRawPointer, _ offset: Int) -> SIMD8<Float> {
        place.loadUnaligned(fromByteOffset: offset, as: SIMD8<Float>.self)
    }

    /// How the last `largestValue` rose along every variable over half the box.
    var influences = [Double](repeating: 0, count: RecipeGrid.maximumVariables)

    /// The largest value over the box of the weighted sum of the last hidden layer.
    ///
    /// Sums in double precision: their rounding is far below the slack the caller has added.
    private func largestValue(
        _ network: LocalNetwork, _ known: BoxForms, constant: Double
    ) -> Double {
        let count = network.layers[network.layers.count - 1].columns
        let back = self.back.base
        back.update(repeating: 0, count: count)
        var value = constant
        var number = network.layers.count - 1
        while number >= 0 {
            let layer = network.layers[number]
            for row in 0..<layer.rows {
                let column = layer.ownColumn + row
                let weight =
                    number == network.layers.count - 1
                    ? Double(weights.base[row]) : back[column]
                let low = Double(known.lower[column])
                let high = Double(known.upper[column])
                var slope = 1.0
                if high <= 0 {
                    slope = 0
                } else if !(low >= 0) {
                    if weight > 0 {
                        slope = high / (high - low)
                        value -= weight * slope * low
                    } else {
                        slope = high > -low ? 1 : 0
                    }
                }
                let factor = weight * slope
                guard factor != 0 else { continue }
                value += abs(factor) * Double(layer.radii.base[row])
                let place = UnsafePointer(layer.coefficients.base) + row * layer.stride
                let prefix = 1 + network.inputs
                for index in 0..<prefix { back[index] += factor * Double(place[index]) }
                let start = min(max(layer.firstColumn, prefix), layer.columns)
                for index in start..<layer.columns {
                    back[index] += factor * Double(place[index])
                }
            }
            number -= 1
        }
        value += back[0]
        for variable in 0..<network.inputs {
            let slope = back[1 + variable]
            let reach = abs(slope) * Double(known.half[variable])
            influences[variable] = reach
            value += slope * Double(known.centre[variable]) + reach
        }
        return value
    }

    /// Bounds of largest and least absorbance, from the forms of the last hidden layer.
    func ranges(_ network: LocalNetwork, _ known: BoxForms, within old: Ranges) -> Ranges {
        let last = network.layers[network.layers.count - 1]
        let dimension = network.inputs
        var magnitude = largestBias
        for row in 0..<last.rows {
            magnitude +=
                sizes[Int(network.origins.base[row])]
                * known.form(last.ownColumn + row, lane: dimension + 2)
        }
        // Where single precision overflows, nothing is known.
        guard magnitude.isFinite else { return old }
        let rounding = 2 * BoxForms.gamma(max(hidden, dimension)) * magnitude
        var peakLow = -Float.infinity
        var peakHigh = -Float.infinity
        var floorLow = Float.infinity
        let middle = lanes.base
        let reach = middle + Self.tile
        var first = 0
        while first < outputs {
            tileSums(network, known, first, lane: dimension, into: middle)
            reach.update(repeating: 0, count: Self.tile)
            for variable in 0...dimension {
                // The radius follows the slopes, with the weights' sizes.
                let lane = variable == dimension ? dimension + 1 : variable
                tileSums(network, known, first, lane: lane, into: middle + 2 * Self.tile)
                for index in 0..<Self.tile { reach[index] += abs(middle[2 * Self.tile + index]) }
            }
            for index in 0..<min(Self.tile, outputs - first) {
                let centre = middle[index] + bias[first + index]
                peakLow = max(peakLow, centre - reach[index])
                peakHigh = max(peakHigh, centre + reach[index])
                floorLow = min(floorLow, centre - reach[index])
            }
            first += Self.tile
        }
        var new = old
        new.peakLow = max(old.peakLow, Double(peakLow - rounding))
        new.peakHigh = min(old.peakHigh, Double(peakHigh + rounding))
        new.floorLow = max(old.floorLow, Double(floorLow - rounding))
        return new
    }

    /// Sums of weight × one lane of the forms for a tile of outputs.
    @inline(__always)
    private func tileSums(
        _ network: LocalNetwork, _ known: BoxForms, _ first: Int, lane: Int,
        into sums: UnsafeMutablePointer<Float>
    ) {
        let last = network.layers[network.layers.count - 1]
        let mask = SIMD8<UInt32>(repeating: lane == network.inputs + 1 ? 0x7fff_ffff : .max)
        var a = SIMD8<Float>()
        var b = a
        var c = a
        var d = a
        let columns = UnsafeRawPointer(kernel + first)
        let forms =
            known.forms.base + (lane >> 3) * known.capacity * 8 + last.ownColumn * 8 + (lane & 7)
        for row in 0..<last.rows {
            let place = columns + Int(network.origins.base[row]) * width * 4
            let factor = SIMD8(repeating: forms[row * 8])
            a.addProduct(masked(place, 0, mask), factor)
            b.addProduct(masked(place, 32, mask), factor)
            c.addProduct(masked(place, 64, mask), factor)
            d.addProduct(masked(place, 96, mask), factor)
        }
        let target = UnsafeMutableRawPointer(sums)
        target.storeBytes(of: a, as: SIMD8<Float>.self)
        target.storeBytes(of: b, toByteOffset: 32, as: SIMD8<Float>.self)
        target.storeBytes(of: c, toByteOffset: 64, as: SIMD8<Float>.self)
        target.storeBytes(of: d, toByteOffset: 96, as: SIMD8<Float>.self)
    }

    @inline(__always)
    private func masked(
        _ place: UnsafeRawPointer, _ offset: Int, _ mask: SIMD8<UInt32>
    ) -> SIMD8<Float> {
        unsafeBitCast(
            place.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt32>.self) & mask,
            to: SIMD8<Float>.self)
    }
}
