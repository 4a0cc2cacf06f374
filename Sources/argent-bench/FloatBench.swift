import Numerics

/// Single-precision kernels. Their share of the peak is their rate over that of `float/peak`.
var floatBenchmarks: [Benchmark] {
    [peak]
        + [(500, 421, 200), (512, 512, 512), (4_096, 421, 500), (96, 500, 200)].flatMap {
            [
                gemm("nn", rows: $0, columns: $1, depth: $2),
                gemm("nt", rows: $0, columns: $1, depth: $2),
                gemm("tn", rows: $0, columns: $1, depth: $2),
            ]
        } + [gemv]
}

/// Fused multiply–adds on registers alone, twelve chains as in a tile: the core's limit.
private var peak: Benchmark {
    let rounds = 4_096
    return Benchmark(name: "float/peak", work: Double(rounds * 12 * 8), unit: "madd") {
        let start = (0..<12).map { SIMD8<Float>(repeating: Float($0)) }
        return { keep(chains(start, rounds: rounds)) }
    }
}

@inline(never)
private func chains(_ start: [SIMD8<Float>], rounds: Int) -> SIMD8<Float> {
    let (a, b) = (start[1] * 0.5, start[2] * 0.25)
    var (c0, c1, c2, c3) = (start[0], start[1], start[2], start[3])
    var (c4, c5, c6, c7) = (start[4], start[5], start[6], start[7])
    var (c8, c9, c10, c11) = (start[8], start[9], start[10], start[11])
    for _ in 0..<rounds {
        c0 = a.addingProduct(c0, b)
        c1 = a.addingProduct(c1, b)
        c2 = a.addingProduct(c2, b)
        c3 = a.addingProduct(c3, b)
        c4 = a.addingProduct(c4, b)
        c5 = a.addingProduct(c5, b)
        c6 = a.addingProduct(c6, b)
        c7 = a.addingProduct(c7, b)
        c8 = a.addingProduct(c8, b)
        c9 = a.addingProduct(c9, b)
        c10 = a.addingProduct(c10, b)
        c11 = a.addingProduct(c11, b)
    }
    let first = c0 + c1 + c2 + c3 + c4 + c5
    return first + c6 + c7 + c8 + c9 + c10 + c11
}

/// Numbers in −1 ..< 1 that are the same in every run.
func benchFloats(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Float(generator.uniform(-1, 1)) }
}

private func gemm(_ kind: String, rows: Int, columns: Int, depth: Int) -> Benchmark {
    Benchmark(
        name: "float/gemm/\(kind)/\(rows)x\(columns)x\(depth)",
        work: Double(rows * columns * depth), unit: "madd"
    ) {
        let a = benchFloats(rows * depth, seed: 1)
        let b = benchFloats(depth * columns, seed: 2)
        var c = [Float](repeating: 0, count: rows * columns)
        var packing = [Float](
            repeating: 0, count: FloatGemm.packingCount(columns: columns, depth: depth))
        let (left, right) = (kind.first == "t", kind.last == "t")
        return {
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    guard let a = a.baseAddress, let b = b.baseAddress else { return }
                    FloatGemm.multiply(
                        rows: rows, columns: columns, depth: depth,
                        .init(a, stride: left ? rows : depth, isTransposed: left),
                        .init(b, stride: right ? depth : columns, isTransposed: right),
                        into: &c, stride: columns, packing: &packing)
                }
            }
            keep(c)
        }
    }
}

private var gemv: Benchmark {
    Benchmark(name: "float/gemv/500x421", work: 500 * 421, unit: "madd") {
        let a = benchFloats(500 * 421, seed: 1)
        let x = benchFloats(500, seed: 2)
        var y = [Float](repeating: 0, count: 421)
        return {
            FloatGemv.multiplyTransposed(
                inputs: 500, outputs: 421, a, x, bias: nil, isRectified: false, into: &y)
            keep(y)
        }
    }
}
