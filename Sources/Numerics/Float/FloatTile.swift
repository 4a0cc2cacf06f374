/// What a tile does on its way to C within one block of the depth.
struct TileEnding {
    /// Whether C already holds a part of the sum.
    let addsFormer: Bool
    /// Added to the last part, per column.
    let columnBias: UnsafePointer<Float>?
    /// Added to the last part, per row.
    let rowBias: UnsafePointer<Float>?
    /// Whether this is the last part and negative results become zero.
    let isRectified: Bool

    /// The ending of a whole product, as far as it concerns this part of the depth.
    init(addsFormer: Bool, isLast: Bool, _ ending: FloatGemm.Ending) {
        self.addsFormer = addsFormer
        isRectified = isLast && ending.isRectified
        switch isLast ? ending.bias : .none {
        case .none: (columnBias, rowBias) = (nil, nil)
        case .perColumn(let bias): (columnBias, rowBias) = (bias, nil)
        case .perRow(let bias): (columnBias, rowBias) = (nil, bias)
        }
    }
}

/// Six rows of sixteen sums. Twelve vectors, two of B and one of A fill the sixteen registers of
/// AVX2; on NEON they take thirty of thirty-two.
struct FloatTile {
    private typealias Vector = SIMD8<Float>

    private var c00 = Vector.zero, c01 = Vector.zero
    private var c10 = Vector.zero, c11 = Vector.zero
    private var c20 = Vector.zero, c21 = Vector.zero
    private var c30 = Vector.zero, c31 = Vector.zero
    private var c40 = Vector.zero, c41 = Vector.zero
    private var c50 = Vector.zero, c51 = Vector.zero

    /// No sums yet.
    init() {}

    /// Sets `result` to the sums of `depth` products. Rows that are not there repeat the last
    /// one: they cost what a full tile costs and are not stored.
    ///
    /// A function of its own, with wrapping arithmetic: then nothing competes for registers, and
    /// no overflow check parts the loop, both of which would spill sums. An `inout` result would be
    /// written in every turn.
    @inline(never)
    static func multiply(
        depth: Int, _ a: UnsafePointer<Float>, rowStep: Int, depthStep: Int, rows: Int,
        _ panel: UnsafePointer<Float>, into result: UnsafeMutablePointer<FloatTile>
    ) {
        var tile = FloatTile()
        let last = rows - 1
        let a0 = UnsafeRawPointer(a)
        let a1 = UnsafeRawPointer(a + min(1, last) &* rowStep)
        let a2 = UnsafeRawPointer(a + min(2, last) &* rowStep)
        let a3 = UnsafeRawPointer(a + min(3, last) &* rowStep)
        let a4 = UnsafeRawPointer(a + min(4, last) &* rowStep)
        let a5 = UnsafeRawPointer(a + min(5, last) &* rowStep)
        let b = UnsafeRawPointer(panel)
        let step = depthStep &* 4
        let end = depth &* 64
        var place = 0
        var at = 0
        while at < end {
            let b0 = b.loadUnaligned(fromByteOffset: at, as: Vector.self)
            let b1 = b.loadUnaligned(fromByteOffset: at &+ 32, as: Vector.self)
            let s0 = Vector(repeating: a0.load(fromByteOffset: place, as: Float.self))
            tile.c00.addProduct(s0, b0)
            tile.c01.addProduct(s0, b1)
            let s1 = Vector(repeating: a1.load(fromByteOffset: place, as: Float.self))
            tile.c10.addProduct(s1, b0)
            tile.c11.addProduct(s1, b1)
            let s2 = Vector(repeating: a2.load(fromByteOffset: place, as: Float.self))
            tile.c20.addProduct(s2, b0)
            tile.c21.addProduct(s2, b1)
            let s3 = Vector(repeating: a3.load(fromByteOffset: place, as: Float.self))
            tile.c30.addProduct(s3, b0)
            tile.c31.addProduct(s3, b1)
            let s4 = Vector(repeating: a4.load(fromByteOffset: place, as: Float.self))
            tile.c40.addProduct(s4, b0)
            tile.c41.addProduct(s4, b1)
            let s5 = Vector(repeating: a5.load(fromByteOffset: place, as: Float.self))
            tile.c50.addProduct(s5, b0)
            tile.c51.addProduct(s5, b1)
            at &+= 64
            place &+= step
        }
        result.pointee = tile
    }

    /// Puts the part of the tile that is there into C at (`row`, `column`).
    func store(
        rows: Int, columns: Int, row: Int, column: Int, into c: UnsafeMutablePointer<Float>,
        stride: Int, _ ending: TileEnding
    ) {
        putRow(0, c00, c01, rows, columns, row, column, c, stride, ending)
        putRow(1, c10, c11, rows, columns, row, column, c, stride, ending)
        putRow(2, c20, c21, rows, columns, row, column, c, stride, ending)
        putRow(3, c30, c31, rows, columns, row, column, c, stride, ending)
        putRow(4, c40, c41, rows, columns, row, column, c, stride, ending)
        putRow(5, c50, c51, rows, columns, row, column, c, stride, ending)
    }

    @inline(__always)
    private func putRow(
        _ index: Int, _ low: SIMD8<Float>, _ high: SIMD8<Float>, _ rows: Int, _ columns: Int,
        _ row: Int, _ column: Int, _ c: UnsafeMutablePointer<Float>, _ stride: Int,
        _ ending: TileEnding
    ) {
        guard index < rows else { return }
        let place = c + ((row &+ index) &* stride &+ column)
        let bias = ending.columnBias.map { $0 + column }
        let rowBias = ending.rowBias.map { $0[row + index] } ?? 0
        if columns == FloatGemm.tileColumns {
            Self.put(low, at: place, bias, rowBias, ending)
            Self.put(high, at: place + 8, bias.map { $0 + 8 }, rowBias, ending)
            return
        }
        for lane in 0..<columns {
            var sum = lane < 8 ? low[lane] : high[lane - 8]
            if ending.addsFormer { sum += place[lane] }
            if let bias { sum += bias[lane] }
            sum += rowBias
            place[lane] = ending.isRectified && sum < 0 ? 0 : sum
        }
    }

    @inline(__always)
    private static func put(
        _ sums: SIMD8<Float>, at place: UnsafeMutablePointer<Float>,
        _ bias: UnsafePointer<Float>?, _ rowBias: Float, _ ending: TileEnding
    ) {
        let raw = UnsafeMutableRawPointer(place)
        var sums = sums
        if ending.addsFormer { sums += raw.loadUnaligned(as: SIMD8<Float>.self) }
        if let bias { sums += UnsafeRawPointer(bias).loadUnaligned(as: SIMD8<Float>.self) }
        sums += SIMD8(repeating: rowBias)
        if ending.isRectified { sums.replace(with: 0, where: sums .< 0) }
        raw.storeBytes(of: sums, as: SIMD8<Float>.self)
    }
}
