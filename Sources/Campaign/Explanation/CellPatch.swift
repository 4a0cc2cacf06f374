/// The bends of a cell's neurons: columns of what lies above them.
struct CellBends {
    /// Column of the first bend; 1 and the variables lie before it.
    var first = 0
    var count = 0
    /// Of each bend its neuron's input as a function of the columns before it, `stride` apart.
    let rows: Scratch<Float>
    let stride: Int
    /// How many columns lie below each one's layer.
    let lengths: Scratch<Int32>
    /// λ and c of each.
    let shares: Scratch<Float>
    let lifts: Scratch<Float>
    /// Of each bend, patch by patch: 1 where its neuron is on throughout, −1 off, 0 neither.
    let sides: Scratch<Int8>

    /// Room for `columns` bends, among as many columns.
    init(columns: Int) {
        rows = Scratch(columns * columns, filler: 0)
        stride = columns
        lengths = Scratch(columns, filler: 0)
        shares = Scratch(columns, filler: 0)
        lifts = Scratch(columns, filler: 0)
        sides = Scratch(columns * CellPatch.most, filler: 0)
    }
}

/// The rows of a cell as they are among the recipes of a patch, a part of the cell.
///
/// Many a neuron that switches in the cell does not in the patch. There its bend, what a
/// rectifier is above λz + c, is linear: (1 − λ) z − c where it is on, −λz − c where it is off.
/// Such a column goes into those before it, and what is left has about half of the columns.
final class CellPatch {
    /// Recipes of a patch: whole leaves.
    static let capacity = 256
    /// Patches of a cell at most.
    static let most = CellNetwork.capacity / capacity
    /// Distance of two columns: not a power of two.
    static let columnStride = capacity + 16

    private let coefficients: Scratch<Float>
    private let values: Scratch<Float>
    /// Columns that are left, and the places of these among them.
    private let kept: Scratch<Int32>
    private let places: Scratch<Int32>
    /// Columns that are not, and what they are of those that are left.
    private let folded: Scratch<Int32>
    private let forms: Scratch<Float>

    /// For rows of at most `neurons` neurons and `columns` columns.
    init(columns: Int, neurons: Int) {
        let room = CellKernels.padded(columns, Self.block)
        coefficients = Scratch(
            room * CellKernels.padded(neurons, CellKernels.neuronBlock), filler: 0)
        // Boxes of columns are measured eight at a time.
        values = Scratch((columns + 8) * Self.columnStride, filler: 0)
        kept = Scratch(columns, filler: 0)
        places = Scratch(columns, filler: -1)
        folded = Scratch(columns, filler: 0)
        forms = Scratch(room * columns, filler: 0)
    }

    /// Columns in whole vectors, and in whole blocks of `combine`.
    private static let block = 24

    /// `rows` among the `size` recipes, whole leaves, of patch `number`.
    func fold(_ rows: CellKernels.Rows, _ bends: CellBends, number: Int, size: Int)
        -> CellKernels.Rows
    {
        let count = keep(rows.columns, bends, number)
        let stride = CellKernels.padded(count, Self.block)
        let gone = rows.columns - count
        for index in 0..<gone { express(index, bends, number, stride: stride) }
        CellKernels.combine(
            CellKernels.Forms(
                base: forms.base, stride: stride, columns: count, units: folded.base,
                count: gone),
            rows.coefficients, width: rows.width, into: coefficients.base)
        for place in 0..<count {
            let column = Int(kept.base[place])
            CellKernels.add(
                rows.coefficients + column &* rows.width, count: rows.width,
                to: coefficients.base + place &* rows.width)
            guard place > 0 else { continue }
            let target = values.base + (place &- 1) &* Self.columnStride
            let start = (column &- 1) &* rows.capacity
            target.update(from: rows.values + start + number &* Self.capacity, count: size)
        }
        return CellKernels.Rows(
            coefficients: coefficients.base, width: rows.width, columns: count,
            values: values.base, capacity: Self.columnStride)
    }

    /// Parts the columns into those that are left, how many, and the others.
    private func keep(_ columns: Int, _ bends: CellBends, _ number: Int) -> Int {
        let (kept, folded, places) = (kept.base, folded.base, places.base)
        var (count, gone) = (0, 0)
        for column in 0..<columns {
            let bend = column &- bends.first
            let isLeft = bend < 0 || bends.sides.base[bend &* Self.most &+ number] == 0
            kept[count] = Int32(truncatingIfNeeded: column)
            folded[gone] = Int32(truncatingIfNeeded: column)
            // Behind the columns that are left: the forms of the others.
            places[column] = Int32(truncatingIfNeeded: isLeft ? count : -1 &- gone)
            count &+= isLeft ? 1 : 0
            gone &+= isLeft ? 0 : 1
        }
        return count
    }

    /// The form of folded column `index`; those it depends on have theirs.
    private func express(_ index: Int, _ bends: CellBends, _ number: Int, stride: Int) {
        let column = Int(folded.base[index])
        let bend = column &- bends.first
        let isOn = bends.sides.base[bend &* Self.most &+ number] > 0
        let factor = (isOn ? 1 : 0) - bends.shares.base[bend]
        let form = forms.base + index &* stride
        let row = bends.rows.base + bend &* bends.stride
        form.update(repeating: 0, count: stride)
        for other in 0..<Int(bends.lengths.base[bend]) {
            let place = Int(places.base[other])
            if place >= 0 {
                form[place] += row[other]
            } else {
                let below = forms.base + (-1 &- place) &* stride
                CellKernels.add(below, times: row[other], count: stride, to: form)
            }
        }
        CellKernels.scale(form, by: factor, count: stride)
        form[0] -= bends.lifts.base[bend]
    }
}
