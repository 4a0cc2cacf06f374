/// Builds the local network of a part of a box from that of the whole.
final class Resolver {
    /// Per layer: the parent's rows that live on, those that still switch first.
    var orders: [Scratch<Int32>]
    /// Coefficients on resolved neurons, of four rows.
    private let shares = Scratch<Float>(filler: 0)
    /// All rows of the layer `enclose` is at.
    let candidates = LocalLayer()

    init(layerCount: Int) {
        orders = (0..<layerCount).map { _ in Scratch(filler: 0) }
    }

    /// Makes `child` the network of the box that `known` describes: rectifiers of `parent` that
    /// do not switch there are multiplied out or dropped.
    ///
    /// `isRoot` says that the parent is the network as trained: what single precision rounds off
    /// its sums is from here on a part of the rows' radii. Rounding of the products made here is
    /// added to them: γ times the sizes of all terms, with every column as large as it gets.
    ///
    /// `isDropOnly` leaves out what is always off and nothing else: the child's parent for all
    /// purposes is still the network as trained.
    func resolve(
        _ parent: LocalNetwork, in known: BoxForms, into child: LocalNetwork, isRoot: Bool,
        isDropOnly: Bool = false
    ) {
        var columns = 1 + parent.inputs
        for (number, old) in parent.layers.enumerated() {
            let new = child.layers[number]
            let isLast = number == parent.layers.count - 1
            choose(
                old, new, known, order: orders[number], keepsAll: isLast || isDropOnly)
            new.columns = columns
            new.stride = LocalNetwork.padded(columns)
            new.firstColumn = 1 + parent.inputs
            if isDropOnly {
                new.firstColumn = number == 0 ? columns : child.layers[number - 1].ownColumn
            }
            let rows = new.rows + new.resolved
            new.coefficients.ensure((rows + 4) * new.stride)
            new.radii.ensure(rows + 8)
            new.norms.ensure(rows + 8)
            var row = 0
            while row < rows {
                let count = min(4, rows - row)
                for offset in 0..<count {
                    let norm = copy(number, row: row + offset, into: new, parent, child, known)
                    let oldRow = Int(orders[number].base[row + offset])
                    let own =
                        isRoot ? known.rounding[old.ownColumn + oldRow] : old.radii.base[oldRow]
                    new.radii.base[row + offset] =
                        isDropOnly ? 0 : own + BoxForms.gamma(old.columns) * norm
                }
                multiplyOut(number, into: new, row: row, count: count, parent, child)
                row += count
            }
            if isLast {
                name(old, new, parent, child, order: orders[number])
            } else {
                measure(new, columns: columns, number, child, known, parent)
            }
            columns += new.rows
        }
    }

    func choose(
        _ old: LocalLayer, _ new: LocalLayer, _ known: BoxForms, order: Scratch<Int32>,
        keepsAll: Bool
    ) {
        order.ensure(old.rows)
        var kept = 0
        for row in 0..<old.rows where !(known.upper[old.ownColumn + row] <= 0) {
            guard keepsAll || !(known.lower[old.ownColumn + row] >= 0) else { continue }
            order.base[kept] = Int32(row)
            kept += 1
        }
        new.rows = kept
        new.resolved = 0
        guard !keepsAll else { return }
        for row in 0..<old.rows
        where known.upper[old.ownColumn + row] > 0 && known.lower[old.ownColumn + row] >= 0 {
            order.base[kept + new.resolved] = Int32(row)
            new.resolved += 1
        }
    }

    /// The part of a row that stays: 1, the variables, the neurons that still switch. Returns
    /// the sum of the sizes of all its terms.
    func copy(
        _ number: Int, row: Int, into new: LocalLayer, _ parent: LocalNetwork,
        _ child: LocalNetwork, _ known: BoxForms
    ) -> Float {
        let old = parent.layers[number]
        let oldRow = Int(orders[number].base[row])
        let source = UnsafePointer(old.coefficients.base) + oldRow * old.stride
        let target = new.coefficients.base + row * new.stride
        let prefix = 1 + parent.inputs
        target.update(repeating: 0, count: new.stride)
        target.update(from: source, count: prefix)
        for below in 0..<number
        where old.firstColumn < parent.layers[below].ownColumn + parent.layers[below].rows {
            let from = source + parent.layers[below].ownColumn
            let to = target + child.layers[below].ownColumn
            let order = UnsafePointer(orders[below].base)
            for kept in 0..<child.layers[below].rows { to[kept] = from[Int(order[kept])] }
        }
        var norm: Float = 0
        for column in 0..<prefix { norm += abs(source[column]) * known.size[column] }
        return norm
            + Self.weightedNorm(
                source, known.size, min(max(old.firstColumn, prefix), old.columns)..<old.columns)
    }

    /// Puts the resolved rows of all layers below into four rows.
    func multiplyOut(
        _ number: Int, into new: LocalLayer, row: Int, count: Int, _ parent: LocalNetwork,
        _ child: LocalNetwork
    ) {
        let first = parent.layers[number].firstColumn
        for below in 0..<number
        where child.layers[below].resolved > 0
            && first < parent.layers[below].ownColumn + parent.layers[below].rows
        {
            gather(number, below, row: row, count: count, parent, child)
            substitute(below, into: new, row: row, count: count, child)
        }
    }

    /// Coefficients of four rows on the neurons of a layer that were resolved.
    private func gather(
        _ number: Int, _ below: Int, row: Int, count: Int, _ parent: LocalNetwork,
        _ child: LocalNetwork
    ) {
        let old = parent.layers[number]
        let layer = child.layers[below]
        let length = LocalNetwork.padded(layer.resolved)
        shares.ensure(4 * length)
        let order = UnsafePointer(orders[below].base) + layer.rows
        for offset in 0..<4 {
            let target = shares.base + offset * length
            guard offset < count else {
                target.update(repeating: 0, count: length)
                continue
            }
            let source =
                UnsafePointer(old.coefficients.base)
                + Int(orders[number].base[row + offset]) * old.stride
                + parent.layers[below].ownColumn
            for index in 0..<layer.resolved { target[index] = source[Int(order[index])] }
            for index in layer.resolved..<length { target[index] = 0 }
        }
    }

    /// Adds shares × resolved rows to four rows, and what that may round off to their radii.
    private func substitute(
        _ below: Int, into new: LocalLayer, row: Int, count: Int, _ child: LocalNetwork
    ) {
        let layer = child.layers[below]
        let length = LocalNetwork.padded(layer.resolved)
        let shares = UnsafePointer(self.shares.base)
        let target = UnsafeMutableRawPointer(new.coefficients.base + row * new.stride)
        let source = UnsafeRawPointer(layer.coefficients.base + layer.rows * layer.stride)
        let step = new.stride * 4
        var chunk = 0
        while chunk < layer.stride * 4 {
            let place = target + chunk
            var a = place.loadUnaligned(as: SIMD8<Float>.self)
            var b = place.loadUnaligned(fromByteOffset: step, as: SIMD8<Float>.self)
            var c = place.loadUnaligned(fromByteOffset: 2 * step, as: SIMD8<Float>.self)
            var d = place.loadUnaligned(fromByteOffset: 3 * step, as: SIMD8<Float>.self)
            var from = source + chunk
            for index in 0..<layer.resolved {
                let part = from.loadUnaligned(as: SIMD8<Float>.self)
                a.addProduct(part, SIMD8(repeating: shares[index]))
                b.addProduct(part, SIMD8(repeating: shares[length + index]))
                c.addProduct(part, SIMD8(repeating: shares[2 * length + index]))
                d.addProduct(part, SIMD8(repeating: shares[3 * length + index]))
                from += layer.stride * 4
            }
            place.storeBytes(of: a, as: SIMD8<Float>.self)
            if count > 1 { place.storeBytes(of: b, toByteOffset: step, as: SIMD8<Float>.self) }
            if count > 2 {
                place.storeBytes(of: c, toByteOffset: 2 * step, as: SIMD8<Float>.self)
            }
            if count > 3 {
                place.storeBytes(of: d, toByteOffset: 3 * step, as: SIMD8<Float>.self)
            }
            chunk += 32
        }
        for offset in 0..<count {
            new.radii.base[row + offset] += Self.weightedNorm(
                shares + offset * length, layer.norms.base + layer.rows, 0..<layer.resolved)
        }
    }

    /// What each resolved row hands on to rows it is put into, per unit of coefficient: its
    /// radius and the rounding of its terms.
    func measure(
        _ layer: LocalLayer, columns: Int, _ number: Int, _ child: LocalNetwork,
        _ known: BoxForms, _ parent: LocalNetwork
    ) {
        guard layer.resolved > 0 else { return }
        let prefix = 1 + parent.inputs
        for row in layer.rows..<(layer.rows + layer.resolved) {
            let place = UnsafePointer(layer.coefficients.base) + row * layer.stride
            var norm: Float = 0
            for column in 0..<prefix { norm += abs(place[column]) * known.size[column] }
            for below in 0..<number {
                let order = UnsafePointer(orders[below].base)
                let sizes = UnsafePointer(known.size) + parent.layers[below].ownColumn
                let own = place + child.layers[below].ownColumn
                for kept in 0..<child.layers[below].rows {
                    norm += abs(own[kept]) * sizes[Int(order[kept])]
                }
            }
            let gamma = BoxForms.gamma(parent.layers[number + 1].columns)
            layer.norms.base[row] = layer.radii.base[row] * (1 + gamma) + gamma * norm
        }
    }

    func name(
        _ old: LocalLayer, _ new: LocalLayer, _ parent: LocalNetwork, _ child: LocalNetwork,
        order: Scratch<Int32>
    ) {
        child.origins.ensure(new.rows)
        for row in 0..<new.rows {
            child.origins.base[row] = parent.origins.base[Int(order.base[row])]
        }
    }

    /// Σ |coefficient| × size over `columns`.
    @inline(__always)
    private static func weightedNorm(
        _ coefficients: UnsafePointer<Float>, _ sizes: UnsafePointer<Float>,
        _ columns: Range<Int>
    ) -> Float {
        var total = SIMD8<Float>()
        var column = columns.lowerBound
        let mask = SIMD8<UInt32>(repeating: 0x7fff_ffff)
        var other = total
        while column + 16 <= columns.upperBound {
            let part = UnsafeRawPointer(coefficients + column)
            let size = UnsafeRawPointer(sizes + column)
            total.addProduct(
                unsafeBitCast(
                    part.loadUnaligned(as: SIMD8<UInt32>.self) & mask, to: SIMD8<Float>.self),
                size.loadUnaligned(as: SIMD8<Float>.self))
            other.addProduct(
                unsafeBitCast(
                    part.loadUnaligned(fromByteOffset: 32, as: SIMD8<UInt32>.self) & mask,
                    to: SIMD8<Float>.self),
                size.loadUnaligned(fromByteOffset: 32, as: SIMD8<Float>.self))
            column += 16
        }
        total += other
        while column + 8 <= columns.upperBound {
            let part = UnsafeRawPointer(coefficients + column).loadUnaligned(
                as: SIMD8<UInt32>.self)
            total.addProduct(
                unsafeBitCast(part & mask, to: SIMD8<Float>.self),
                UnsafeRawPointer(sizes + column).loadUnaligned(as: SIMD8<Float>.self))
            column += 8
        }
        var sum = total.sum()
        while column < columns.upperBound {
            sum += abs(coefficients[column]) * sizes[column]
            column += 1
        }
        return sum
    }
}
