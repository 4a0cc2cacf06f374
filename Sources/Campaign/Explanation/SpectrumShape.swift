import Spectra
import Surrogates

/// The last layer of a network and the target: the shape of a predicted spectrum from the
/// neurons that are on, in two passes over the wavelengths.
final class SpectrumShape {
    /// What the loss of a spectrum needs.
    struct Parts {
        var floor: Float = 0
        var peak: Float = 0
        /// |v|² and ⟨v, T̂⟩ of v = S − floor.
        var square: Float = 0
        var product: Float = 0
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

    init(layer: DenseNetwork.Layer, target wanted: [Double]) {
        outputs = layer.outputs
        width = (outputs + Self.tile - 1) / Self.tile * Self.tile
        storage = Scratch((layer.inputs + 3) * width, filler: 0)
        kernel = storage.base
        bias = kernel + layer.inputs * width
        target = bias + width
        spectrum = target + width
        let length = wanted.reduce(0) { $0 + $1 * $1 }.squareRoot()
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

    /// Of the spectrum of `count` neurons `units`, whose outputs are `values`.
    func parts(
        units: UnsafePointer<Int32>, values: UnsafePointer<Float>, count: Int
    ) -> Parts {
        let spectrum = self.spectrum
        let raw = UnsafeMutableRawPointer(spectrum)
        var high = SIMD8<Float>(repeating: -.infinity)
        var low = SIMD8<Float>(repeating: .infinity)
        var further = (high, low)
        var first = 0
        while first < width {
            let from = UnsafePointer(bias) + first
            var a = SIMD8.load(from)
            var b = SIMD8.load(from + 8)
            var c = SIMD8.load(from + 16)
            var d = SIMD8.load(from + 24)
            var e = SIMD8.load(from + 32)
            var f = SIMD8.load(from + 40)
            var index = 0
            while index < count {
                let row = UnsafePointer(kernel) + (Int(units[index]) * width + first)
                let value = SIMD8(repeating: values[index])
                a.addProduct(SIMD8.load(row), value)
                b.addProduct(SIMD8.load(row + 8), value)
                c.addProduct(SIMD8.load(row + 16), value)
                d.addProduct(SIMD8.load(row + 24), value)
                e.addProduct(SIMD8.load(row + 32), value)
                f.addProduct(SIMD8.load(row + 40), value)
                index += 1
            }
            let place = raw + first * 4
            place.storeBytes(of: a, as: SIMD8<Float>.self)
            place.storeBytes(of: b, toByteOffset: 32, as: SIMD8<Float>.self)
            place.storeBytes(of: c, toByteOffset: 64, as: SIMD8<Float>.self)
            place.storeBytes(of: d, toByteOffset: 96, as: SIMD8<Float>.self)
            place.storeBytes(of: e, toByteOffset: 128, as: SIMD8<Float>.self)
            place.storeBytes(of: f, toByteOffset: 160, as: SIMD8<Float>.self)
            Self.extend(&high, &low, a)
            Self.extend(&further.0, &further.1, b)
            Self.extend(&high, &low, c)
            Self.extend(&further.0, &further.1, d)
            Self.extend(&high, &low, e)
            Self.extend(&further.0, &further.1, f)
            first += Self.tile
        }
        high.replace(with: further.0, where: further.0 .> high)
        low.replace(with: further.1, where: further.1 .< low)
        var parts = Parts()
        parts.peak = Self.largest(high)
        parts.floor = -Self.largest(-low)
        measure(&parts)
        return parts
    }

    /// |v|² and ⟨v, T̂⟩.
    @inline(__always)
    private func measure(_ parts: inout Parts) {
        let floor = SIMD8(repeating: parts.floor)
        let zero = SIMD8<Float>()
        var (p, q, r, s) = (zero, zero, zero, zero)
        var (t, u) = (zero, zero)
        var index = 0
        while index < width {
            let place = UnsafePointer(spectrum) + index
            let wanted = UnsafePointer(target) + index
            let a = SIMD8.load(place) - floor
            let b = SIMD8.load(place + 8) - floor
            let c = SIMD8.load(place + 16) - floor
            p.addProduct(a, a)
            q.addProduct(b, b)
            t.addProduct(c, c)
            r.addProduct(a, SIMD8.load(wanted))
            s.addProduct(b, SIMD8.load(wanted + 8))
            u.addProduct(c, SIMD8.load(wanted + 16))
            index += 24
        }
        let repeated = spectrum[0] - parts.floor
        parts.square = (p + q + t).sum() - Float(width - outputs) * repeated * repeated
        parts.product = (r + s + u).sum()
    }

    @inline(__always)
    private static func extend(
        _ high: inout SIMD8<Float>, _ low: inout SIMD8<Float>, _ part: SIMD8<Float>
    ) {
        high.replace(with: part, where: part .> high)
        low.replace(with: part, where: part .< low)
    }

    @inline(__always)
    private static func largest(_ part: SIMD8<Float>) -> Float {
        var four = part.lowHalf
        four.replace(with: part.highHalf, where: part.highHalf .> four)
        var two = four.lowHalf
        two.replace(with: four.highHalf, where: four.highHalf .> two)
        return max(two[0], two[1])
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
