extension OutputLayer {
    /// Rounding of the sums below and of the outputs as they are predicted; nil where single
    /// precision overflows and nothing is known.
    private func rounding(_ network: LocalNetwork, _ known: BoxForms) -> Float? {
        let last = network.layers[network.layers.count - 1]
        var size = largestBias
        for row in 0..<last.rows {
            size +=
                units[Int(network.origins.base[row])].size
                * known.form(last.ownColumn + row, lane: network.inputs + 2)
        }
        guard size.isFinite else { return nil }
        return 2 * BoxForms.gamma(last.rows) * size
    }

    /// Bounds of one output.
    func range(
        of output: Int, _ network: LocalNetwork, _ known: BoxForms
    ) -> (low: Double, high: Double)? {
        guard let rounding = rounding(network, known) else { return nil }
        let last = network.layers[network.layers.count - 1]
        let dimension = network.inputs
        var reach = rounding
        var middle = bias[output]
        for plane in 0..<known.planes {
            var sums = SIMD8<Float>()
            let mask = known.coefficientMasks[plane]
            let forms = UnsafeRawPointer(
                known.forms.base + plane * known.capacity * 8 + last.ownColumn * 8)
            for row in 0..<last.rows {
                let weight = kernel[Int(network.origins.base[row]) * width + output]
                let factor = unsafeBitCast(
                    SIMD8(repeating: weight.bitPattern) & mask, to: SIMD8<Float>.self)
                sums.addProduct(
                    forms.loadUnaligned(fromByteOffset: row * 32, as: SIMD8<Float>.self), factor)
            }
            for lane in (plane * 8)..<min(plane * 8 + 8, dimension + 2) {
                let part = sums[lane & 7]
                if lane == dimension {
                    middle += part
                } else {
                    reach += abs(part)
                    if lane < dimension { peakSlopes[lane] = Double(abs(part)) }
                }
            }
        }
        return (Double(middle - reach), Double(middle + reach))
    }

    /// Bounds of largest and least absorbance over all outputs.
    func narrow(
        _ ranges: inout LossBound.Ranges, _ network: LocalNetwork, _ known: BoxForms
    ) {
        guard let rounding = rounding(network, known) else { return }
        let dimension = network.inputs
        var peakLow = -Float.infinity
        var peakHigh = -Float.infinity
        var floorLow = Float.infinity
        let middle = lanes
        let reach = middle + Self.tile
        let part = reach + Self.tile
        var first = 0
        while first < outputs {
            tileSums(network, known, first, lane: dimension, into: middle)
            reach.update(repeating: 0, count: Self.tile)
            for lane in 0...(dimension + 1) where lane != dimension {
                tileSums(network, known, first, lane: lane, into: part)
                for index in 0..<Self.tile { reach[index] += abs(part[index]) }
            }
            for index in 0..<min(Self.tile, outputs - first) {
                let centre = middle[index] + bias[first + index]
                peakLow = max(peakLow, centre - reach[index])
                peakHigh = max(peakHigh, centre + reach[index])
                floorLow = min(floorLow, centre - reach[index])
            }
            first += Self.tile
        }
        ranges.peakLow = max(ranges.peakLow, Double(peakLow - rounding))
        ranges.peakHigh = min(ranges.peakHigh, Double(peakHigh + rounding))
        ranges.floorLow = max(ranges.floorLow, Double(floorLow - rounding))
    }

    /// Sums of weight × one lane of the forms for a tile of outputs.
    @inline(__always)
    private func tileSums(
        _ network: LocalNetwork, _ known: BoxForms, _ first: Int, lane: Int,
        into sums: UnsafeMutablePointer<Float>
    ) {
        let last = network.layers[network.layers.count - 1]
        // The radius takes the weights' sizes.
        let mask = SIMD8<UInt32>(repeating: lane == network.inputs + 1 ? 0x7fff_ffff : .max)
        var a = SIMD8<Float>()
        var b = a
        var c = a
        var d = a
        let columns = UnsafePointer(kernel + first)
        let origins = UnsafePointer(network.origins.base)
        let forms =
            known.forms.base + (lane >> 3) * known.capacity * 8 + last.ownColumn * 8 + (lane & 7)
        for row in 0..<last.rows {
            let place = columns + Int(origins[row]) * width
            let factor = SIMD8(repeating: forms[row * 8])
            a.addProduct(masked(place, mask), factor)
            b.addProduct(masked(place + 8, mask), factor)
            c.addProduct(masked(place + 16, mask), factor)
            d.addProduct(masked(place + 24, mask), factor)
        }
        let target = UnsafeMutableRawPointer(sums)
        target.storeBytes(of: a, as: SIMD8<Float>.self)
        target.storeBytes(of: b, toByteOffset: 32, as: SIMD8<Float>.self)
        target.storeBytes(of: c, toByteOffset: 64, as: SIMD8<Float>.self)
        target.storeBytes(of: d, toByteOffset: 96, as: SIMD8<Float>.self)
    }

    @inline(__always)
    private func masked(
        _ place: UnsafePointer<Float>, _ mask: SIMD8<UInt32>
    ) -> SIMD8<Float> {
        unsafeBitCast(
            UnsafeRawPointer(place).loadUnaligned(as: SIMD8<UInt32>.self) & mask,
            to: SIMD8<Float>.self)
    }
}
