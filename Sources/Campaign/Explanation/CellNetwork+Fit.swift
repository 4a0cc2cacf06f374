/// The recipes of a cell and the outputs of its network's neurons for them.
final class CellSample {
    /// Recipes at most.
    static let capacity = 128
    /// Recipes worked on together: two vectors.
    static let group = 16

    /// Recipes; columns are filled up to whole groups with the last.
    var count = 0
    /// One column of `capacity` for 1, each variable and each neuron kept.
    let values: Scratch<Float>
    /// Sums of a block of rows.
    let sums = Scratch<Float>(CellNetwork.block * capacity, filler: 0)

    /// Up to `columns` columns.
    init(columns: Int) {
        values = Scratch((columns + CellNetwork.block) * Self.capacity, filler: 0)
    }

    /// Recipes of whole groups.
    var filled: Int { (count + Self.group - 1) / Self.group * Self.group }

    /// What a block of rows comes to for every recipe, into `target`, one column per row;
    /// negative sums as zero if `isRectified`.
    @inline(__always)
    func sum(
        _ rows: UnsafePointer<Float>, stride: Int, columns: Int,
        into target: UnsafeMutablePointer<Float>, isRectified: Bool
    ) {
        let end = filled
        let zero = SIMD8<Float>()
        let (p, q) = (rows, rows + stride)
        let (r, s) = (q + stride, q + 2 * stride)
        var point = 0
        while point < end {
            var (a, b, c, d) = (zero, zero, zero, zero)
            var (e, f, g, h) = (zero, zero, zero, zero)
            var source = UnsafeRawPointer(values.base + point)
            var column = 0
            while column < columns {
                let x = source.loadUnaligned(as: SIMD8<Float>.self)
                let y = source.loadUnaligned(fromByteOffset: 32, as: SIMD8<Float>.self)
                let (i, j) = (SIMD8(repeating: p[column]), SIMD8(repeating: q[column]))
                let (k, l) = (SIMD8(repeating: r[column]), SIMD8(repeating: s[column]))
                a.addProduct(x, i)
                e.addProduct(y, i)
                b.addProduct(x, j)
                f.addProduct(y, j)
                c.addProduct(x, k)
                g.addProduct(y, k)
                d.addProduct(x, l)
                h.addProduct(y, l)
                source += Self.capacity * 4
                column += 1
            }
            let least = SIMD8<Float>(repeating: isRectified ? 0 : -.infinity)
            let place = UnsafeMutableRawPointer(target + point)
            Self.store(a, e, least, place)
            Self.store(b, f, least, place + Self.capacity * 4)
            Self.store(c, g, least, place + Self.capacity * 8)
            Self.store(d, h, least, place + Self.capacity * 12)
            point += Self.group
        }
    }

    @inline(__always)
    private static func store(
        _ a: SIMD8<Float>, _ b: SIMD8<Float>, _ least: SIMD8<Float>,
        _ place: UnsafeMutableRawPointer
    ) {
        place.storeBytes(of: a.replacing(with: least, where: a .< least), as: SIMD8<Float>.self)
        place.storeBytes(
            of: b.replacing(with: least, where: b .< least), toByteOffset: 32,
            as: SIMD8<Float>.self)
    }

    /// The least and the largest of a column.
    @inline(__always)
    func extremes(_ column: UnsafePointer<Float>) -> (low: Float, high: Float) {
        var low = SIMD8<Float>(repeating: .infinity)
        var high = SIMD8<Float>(repeating: -.infinity)
        let end = filled
        var point = 0
        while point < end {
            let part = UnsafeRawPointer(column + point).loadUnaligned(as: SIMD8<Float>.self)
            low.replace(with: part, where: part .< low)
            high.replace(with: part, where: part .> high)
            point += 8
        }
        return (-Self.largest(-low), Self.largest(high))
    }

    @inline(__always)
    static func largest(_ part: SIMD8<Float>) -> Float {
        var four = part.lowHalf
        four.replace(with: part.highHalf, where: part.highHalf .> four)
        var two = four.lowHalf
        two.replace(with: four.highHalf, where: four.highHalf .> two)
        return two[0] < two[1] ? two[1] : two[0]
    }

    /// Writes a column with negative numbers as zero.
    @inline(__always)
    func rectify(_ source: UnsafePointer<Float>, into column: UnsafeMutablePointer<Float>) {
        let zero = SIMD8<Float>()
        var point = 0
        while point < Self.capacity {
            let part = UnsafeRawPointer(source + point).loadUnaligned(as: SIMD8<Float>.self)
            UnsafeMutableRawPointer(column + point).storeBytes(
                of: part.replacing(with: zero, where: part .< zero), as: SIMD8<Float>.self)
            point += 8
        }
    }
}

extension CellNetwork {
    /// Makes this the network of the recipes in `sample`, and calculates its neurons for them.
    ///
    /// What switches among these recipes is seen, not bounded: only of the last hidden layer,
    /// which is the largest, the neurons are first asked for a bound.
    func fit(_ parent: CellNetwork, to sample: CellSample, _ bounds: CellBounds) {
        var columns = 1 + inputs
        for number in layers.indices {
            let old = parent.layers[number]
            let new = layers[number]
            new.columns = columns
            new.stride = LocalNetwork.padded(columns)
            new.resolved = 0
            new.rows = old.rows
            new.order.ensure(old.rows + Self.block)
            for row in 0..<old.rows { new.order.base[row] = Int32(truncatingIfNeeded: row) }
            for row in 0..<Self.block { new.order.base[old.rows + row] = 0 }
            new.coefficients.ensure((old.rows + Self.block) * new.stride)
            fill(number, parent, new.coefficients, new.order, count: old.rows)
            if number < layers.count - 1 {
                part(new, sample, bounds)
            } else {
                keepLast(new, sample, bounds)
            }
            columns += new.rows
        }
        name(parent)
    }

    /// Parts a layer's rows into those that switch and those always on; drops the others.
    private func part(_ layer: CellLayer, _ sample: CellSample, _ bounds: CellBounds) {
        let stride = layer.stride
        layer.solved.ensure((layer.rows + Self.block) * stride)
        layer.solvedOrder.ensure(layer.rows + Self.block)
        let (rows, order) = (layer.coefficients.base, layer.order.base)
        let sums = sample.sums.base
        let own = sample.values.base + layer.ownColumn * CellSample.capacity
        var kept = 0
        var solved = 0
        var row = 0
        while row < layer.rows {
            sample.sum(
                rows + row * stride, stride: stride, columns: layer.columns, into: sums,
                isRectified: false)
            for offset in 0..<min(Self.block, layer.rows - row) {
                let column = sums + offset * CellSample.capacity
                let (low, high) = sample.extremes(column)
                let number = Int32(truncatingIfNeeded: row + offset)
                let from = rows + (row + offset) * stride
                if low >= 0 {
                    (layer.solved.base + solved * stride).update(from: from, count: stride)
                    layer.solvedOrder.base[solved] = number
                    solved += 1
                } else if !(high <= 0) {
                    sample.rectify(column, into: own + kept * CellSample.capacity)
                    bounds.add(
                        from, columns: layer.columns, as: layer.ownColumn + kept, low: low,
                        high: high)
                    if kept != row + offset {
                        (rows + kept * stride).update(from: from, count: stride)
                    }
                    order[kept] = number
                    kept += 1
                }
            }
            row += Self.block
        }
        layer.rows = kept
        layer.resolved = solved
    }

    /// Drops the rows that are certainly off, calculates the others.
    private func keepLast(_ layer: CellLayer, _ sample: CellSample, _ bounds: CellBounds) {
        let stride = layer.stride
        let (rows, order) = (layer.coefficients.base, layer.order.base)
        var kept = 0
        var row = 0
        while row < layer.rows {
            let tops = bounds.tops(rows + row * stride, stride: stride, columns: layer.columns)
            for offset in 0..<min(Self.block, layer.rows - row) where !(tops[offset] <= 0) {
                if kept != row + offset {
                    (rows + kept * stride).update(
                        from: rows + (row + offset) * stride, count: stride)
                }
                order[kept] = Int32(truncatingIfNeeded: row + offset)
                kept += 1
            }
            row += Self.block
        }
        layer.rows = kept
        row = 0
        while row < kept {
            sample.sum(
                rows + row * stride, stride: stride, columns: layer.columns,
                into: sample.values.base + (layer.ownColumn + row) * CellSample.capacity,
                isRectified: true)
            row += Self.block
        }
    }
}
