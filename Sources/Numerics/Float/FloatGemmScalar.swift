/// The plain twin of `FloatGemm`: one product after the other, each rounded, each sum rounded.
/// Its error obeys the same bound with k + 1 in place of k (a product and a sum round apart).
public enum FloatGemmScalar {
    /// What `FloatGemm.multiply` does; `packing` is not touched.
    public static func multiply(
        rows: Int, columns: Int, depth: Int, _ a: FloatGemm.Operand, _ b: FloatGemm.Operand,
        into c: UnsafeMutablePointer<Float>, stride: Int,
        ending: FloatGemm.Ending = FloatGemm.Ending(), packing: UnsafeMutablePointer<Float>
    ) {
        for row in 0..<rows {
            for column in 0..<columns {
                var sum: Float = 0
                for inner in 0..<depth {
                    let left = a.isTransposed ? inner * a.stride + row : row * a.stride + inner
                    let right =
                        b.isTransposed ? column * b.stride + inner : inner * b.stride + column
                    sum += a.base[left] * b.base[right]
                }
                if ending.accumulates { sum += c[row * stride + column] }
                switch ending.bias {
                case .none: break
                case .perColumn(let bias): sum += bias[column]
                case .perRow(let bias): sum += bias[row]
                }
                c[row * stride + column] = ending.isRectified && sum < 0 ? 0 : sum
            }
        }
    }
}
