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
    /// The last layer, ready for bounds.
    let layer: OutputLayer
    private let amplitudeLow: Double
    private let amplitudeHigh: Double
    /// Weights of the columns in what is bounded.
    private let back: Scratch<Double>
    /// Weight of every neuron of the last hidden layer in the tangent.
    private let weights: Scratch<Double>
    /// How much the last bounds of cosine and amplitude rose along every variable over half the
    /// box, for the choice where to halve.
    private(set) var influences = [Double](repeating: 0, count: RecipeGrid.maximumVariables)
    /// Recipes of the last box with a variable outside of these have δ · cos below the goal.
    private(set) var keptLow = SIMD16<Double>(repeating: -.infinity)
    private(set) var keptHigh = SIMD16<Double>(repeating: .infinity)

    init(network: DenseNetwork, loss: Loss, columns: Int) {
        layer = OutputLayer(network: network, loss: loss)
        back = Scratch(columns + 16, filler: 0)
        weights = Scratch(layer.hidden + 8, filler: 0)
        amplitudeLow = loss.amplitudeLow
        amplitudeHigh = loss.amplitudeHigh
    }

    /// Part of the least full amplitude below which a peak counts as no smaller.
    private static let leastPeak = 0.1

    /// What is known of a box's spectra.
    struct Ranges {
        /// The largest absorbance is between these.
        var peakLow = -Double.infinity
        var peakHigh = Double.infinity
        /// The least absorbance is not below this.
        var floorLow = -Double.infinity
    }

    /// The largest δ there can be.
    private func largestFactor(_ ranges: Ranges) -> Double {
        if ranges.peakHigh <= 0 || ranges.peakLow > amplitudeHigh { return 0 }
        return ranges.peakHigh < amplitudeLow ? ranges.peakHigh / amplitudeLow : 1
    }

    /// Whether every recipe of the box has δ · cos below `goal` (above 0). False means that it is
    /// not known; then `keptLow` and `keptHigh` say what of the box is still open. `ranges` comes
    /// in with what holds for a larger box and goes out with what was learnt.
    func staysBelow(
        _ goal: Double, _ network: LocalNetwork, _ known: BoxForms, _ ranges: inout Ranges
    ) -> Bool {
        keptLow = SIMD16(repeating: -.infinity)
        keptHigh = SIMD16(repeating: .infinity)
        for variable in influences.indices { influences[variable] = 0 }
        let factor = largestFactor(ranges)
        if factor < goal { return true }
        let centre = layer.centre(network, known)
        if !ranges.floorLow.isFinite, layer.needsFloor(goal / factor) {
            layer.narrow(&ranges, network, known)
            return narrowed(goal, centre, ranges, network, known)
        }
        if cosineBelow(goal / factor, centre, ranges, network, known) { return true }
        // All wavelengths are looked at only where the one of the centre's peak lets hope.
        guard let peak = layer.range(of: centre.peakPlace, network, known) else { return false }
        ranges.peakLow = max(ranges.peakLow, peak.low)
        if ranges.peakLow > amplitudeHigh { return true }
        if centre.peak < amplitudeLow || influences.allSatisfy({ $0 == 0 }) {
            // What δ changes by counts as what the cosine does. Where the centre's shape is fine
            // there is no tangent, and the amplitude is all there is.
            let weight =
                centre.square.squareRoot() / max(centre.peak, Self.leastPeak * amplitudeLow)
            for variable in 0..<network.inputs {
                influences[variable] += weight * layer.peakSlopes[variable]
            }
        }
        guard peak.high < amplitudeLow, peak.high < ranges.peakHigh else { return false }
        layer.narrow(&ranges, network, known)
        guard largestFactor(ranges) < factor else { return false }
        return narrowed(goal, centre, ranges, network, known)
    }

    private func narrowed(
        _ goal: Double, _ centre: OutputLayer.Centre, _ ranges: Ranges,
        _ network: LocalNetwork, _ known: BoxForms
    ) -> Bool {
        let factor = largestFactor(ranges)
        return factor < goal || cosineBelow(goal / factor, centre, ranges, network, known)
    }

    /// Whether every spectrum of the box has a cosine below `cosine`, by the tangent at the centre.
    private func cosineBelow(
        _ cosine: Double, _ centre: OutputLayer.Centre, _ ranges: Ranges,
        _ network: LocalNetwork, _ known: BoxForms
    ) -> Bool {
        guard centre.square > 0, centre.product < cosine * centre.square.squareRoot() else {
            return false
        }
        let root = Double(layer.outputs).squareRoot()
        var centre = centre
        if !ranges.floorLow.isFinite { layer.lower(&centre, until: cosine - 1e-6) }
        // |v₀| of the exact centre may be larger than that of the rounded spectrum, and T̂ is
        // rounded: a tangent of a little less cosine stays above for certain.
        let length = centre.square.squareRoot() + root * centre.rounding
        let share = (cosine - 1e-6) / length
        let tangent = layer.tangent(share: share, centre, network, known, weights: weights.base)
        var constant = tangent.constant
        if tangent.sum >= 0 {
            guard ranges.floorLow.isFinite else { return false }
            constant -= ranges.floorLow * tangent.sum
        }
        let size = layer.size(network, known)
        let square = 1 - 2 * share * centre.product + share * share * centre.square
        // Σ |tangent| ≤ √n |tangent|, and what the products with the least value add.
        let reach = root * max(square, 0).squareRoot() + 1e-3 + 2 * abs(tangent.sum)
        constant += reach * size.rounding + tangent.slack + 1e-9 * (1 + size.size)
        return largestValue(network, known, constant: constant) < 0
    }

    /// The largest value over the box of the weighted sum of the last hidden layer.
    ///
    /// Sums in double precision: their rounding is far below the slack the caller has added.
    private func largestValue(
        _ network: LocalNetwork, _ known: BoxForms, constant: Double
    ) -> Double {
        let last = network.layers.count - 1
        let back = self.back.base
        back.update(repeating: 0, count: network.layers[last].columns)
        var value = constant
        for number in stride(from: last, through: 0, by: -1) {
            let layer = network.layers[number]
            let prefix = 1 + network.inputs
            let start = min(max(layer.firstColumn, prefix), layer.columns)
            for row in 0..<layer.rows {
                let column = layer.ownColumn + row
                let weight = number == last ? weights.base[row] : back[column]
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
                for index in 0..<prefix { back[index] += factor * Double(place[index]) }
                for index in start..<layer.columns {
                    back[index] += factor * Double(place[index])
                }
            }
        }
        value += back[0]
        for variable in 0..<network.inputs {
            let slope = back[1 + variable]
            let reach = abs(slope) * Double(known.half[variable])
            influences[variable] = reach
            value += slope * Double(known.centre[variable]) + reach
        }
        if value >= 0 { cut(value, network, known) }
        return value
    }

    /// Leaves out what a linear function with the largest value `value` at a corner of the box
    /// has below zero: a variable so far from that corner that its slope alone takes it there.
    private func cut(_ value: Double, _ network: LocalNetwork, _ known: BoxForms) {
        for variable in 0..<network.inputs {
            let slope = back.base[1 + variable]
            // Rounding here must not leave out what lies on the edge.
            let depth = value / abs(slope) * (1 + 0x1p-40)
            guard depth.isFinite else { continue }
            let (centre, half) = (Double(known.centre[variable]), Double(known.half[variable]))
            let margin = (abs(centre) + half) * 0x1p-40
            if slope > 0 {
                keptLow[variable] = max(keptLow[variable], centre + half - depth - margin)
            } else {
                keptHigh[variable] = min(keptHigh[variable], centre - half + depth + margin)
            }
        }
    }
}
