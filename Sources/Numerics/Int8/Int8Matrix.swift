import CSimd

/// Weights of one dense layer as whole numbers −127…127, packed in the order in which the kernels
/// read them: blocks of eight outputs, quads of four inputs (`CSimdInt8.h`).
public final class Int8Matrix: @unchecked Sendable {
    // Unchecked: the memory is written by `init` only.

    /// Numbers in.
    public let inputs: Int
    /// Numbers out.
    public let outputs: Int
    /// Quads of inputs, the last one filled up with zeros.
    let quads: Int
    /// Blocks of outputs, the last one filled up with zeros.
    let blocks: Int
    /// Largest activation code with which no sum can leave 32 bits, at most `Int8Codes.finest`.
    public let largestCode: Int
    private let weights: UnsafeMutablePointer<Int8>

    /// Most inputs or outputs of one layer.
    public static let maximumSize = 65_536
    /// Largest weight, either sign: −128 would let the pairs of an 8-bit product saturate.
    public static let largestWeight = 127
    private static let alignment = 64

    /// Packs `weights`, `[inputs, outputs]`, first dimension slowest, each −127…127; both sizes
    /// 1…`maximumSize`.
    public init(inputs: Int, outputs: Int, weights source: [Int8]) {
        precondition(
            (1...Self.maximumSize).contains(inputs) && (1...Self.maximumSize).contains(outputs),
            "1 to \(Self.maximumSize) inputs and outputs")
        precondition(source.count == inputs * outputs, "as many weights as inputs × outputs")
        self.inputs = inputs
        self.outputs = outputs
        quads = (inputs + 3) / 4
        blocks = (outputs + 7) / 8
        let bytes = quads * blocks * 32
        weights =
            UnsafeMutableRawPointer
            .allocate(byteCount: bytes, alignment: Self.alignment)
            .bindMemory(to: Int8.self, capacity: bytes)
        weights.initialize(repeating: 0, count: bytes)
        var largestSum = 1
        for output in 0..<outputs {
            var sum = 0
            for input in 0..<inputs {
                let weight = source[input * outputs + output]
                precondition(weight != .min, "weights are −127…127")
                sum += abs(Int(weight))
                let quad = (output / 8) * quads + input / 4
                weights[quad * 32 + (output % 8) * 4 + input % 4] = weight
            }
            largestSum = max(largestSum, sum)
        }
        largestCode = min(Int8Codes.finest, Int(Int32.max) / largestSum)
    }

    deinit { weights.deallocate() }

    /// Sums in a row, with those of the filled-up block.
    public var paddedOutputs: Int { blocks * 8 }
    /// Inputs in a row, with those of the filled-up quad, an even count of quads.
    public var paddedInputs: Int { (inputs + 7) / 8 * 8 }

    /// `sums[row][output] = Σ weight × code` for the rows in `codes`; `sums` has room for
    /// `rows × paddedOutputs`. Codes must have been made for a layer of this width, at most
    /// `largestCode`, by and for this `kernel`.
    public func multiply(
        _ codes: Int8Codes, kernel: Int8Kernel, into sums: UnsafeMutablePointer<Int32>
    ) {
        var task = argent_int8_task(
            weights: weights, offsets: codes.offsets, codes: codes.codes, sums: sums,
            listed: Int32(codes.listed), rows: Int32(codes.rows), quads: Int32(quads),
            blocks: Int32(blocks))
        if codes.fine { kernel.fine(&task) } else { kernel.coarse(&task) }
    }
}
