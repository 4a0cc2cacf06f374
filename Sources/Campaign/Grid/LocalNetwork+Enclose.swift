extension Resolver {
    /// Encloses `parent` in a box and makes `child` its network there, both layer by layer.
    ///
    /// A row is bounded after the rectifiers resolved below it are multiplied out. The forms of
    /// few neurons are then left in it whose errors could add up, where a row of the parent has
    /// all of them, which share what few of them do not know: bounds are far closer. The price is
    /// that rows are multiplied out that then turn out to be always off.
    ///
    /// The box is set in `known` and `inner` before; after it, `known` bounds the parent's
    /// neurons and `inner` encloses those of `child`. `isRoot` is that of `resolve`.
    func enclose(
        _ parent: LocalNetwork, _ known: BoxForms, into child: LocalNetwork, _ inner: BoxForms,
        isRoot: Bool
    ) {
        var columns = 1 + parent.inputs
        for (number, old) in parent.layers.enumerated() {
            let isLast = number == parent.layers.count - 1
            let order = orders[number]
            prepare(candidates, rows: old.rows, columns: columns, prefix: 1 + parent.inputs)
            order.ensure(old.rows)
            for row in 0..<old.rows { order.base[row] = Int32(row) }
            let gamma = BoxForms.gamma(old.columns)
            var row = 0
            while row < old.rows {
                let count = min(4, old.rows - row)
                for place in row..<(row + count) {
                    let error =
                        gamma * copy(number, row: place, into: candidates, parent, child, known)
                    // What a prediction rounds off is as large as what is rounded off here.
                    candidates.radii.base[place] =
                        (isRoot ? error : old.radii.base[place]) + error
                }
                multiplyOut(number, into: candidates, row: row, count: count, parent, child)
                row += count
            }
            inner.enclose(candidates)
            known.take(inner, from: columns, to: old.ownColumn, count: old.rows)
            let new = child.layers[number]
            choose(old, new, known, order: order, keepsAll: isLast)
            prepare(
                new, rows: new.rows + new.resolved, columns: columns, prefix: 1 + parent.inputs)
            pick(number, into: new)
            inner.keep(order.base, count: new.rows, from: columns)
            if isLast {
                name(old, new, parent, child, order: order)
            } else {
                measure(new, columns: columns, number, child, known, parent)
            }
            columns += new.rows
        }
    }

    /// Room for `rows`; how many of them are kept is left to the caller.
    private func prepare(_ layer: LocalLayer, rows: Int, columns: Int, prefix: Int) {
        if layer === candidates { layer.rows = rows }
        layer.columns = columns
        layer.stride = LocalNetwork.padded(columns)
        layer.firstColumn = prefix
        layer.coefficients.ensure((rows + 4) * layer.stride)
        layer.radii.ensure(rows + 8)
        layer.norms.ensure(rows + 8)
    }

    /// The candidates that live on, in the order they have in `layer`.
    private func pick(_ number: Int, into layer: LocalLayer) {
        let order = UnsafePointer(orders[number].base)
        for row in 0..<(layer.rows + layer.resolved) {
            let from = Int(order[row])
            (layer.coefficients.base + row * layer.stride).update(
                from: candidates.coefficients.base + from * layer.stride, count: layer.stride)
            layer.radii.base[row] = candidates.radii.base[from]
        }
    }
}
