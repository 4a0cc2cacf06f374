import Glibc
import Numerics

/// Scales of inputs and outputs with which all weights of a layer use the range of eight bits.
///
/// A scale per output alone lets one input with large weights take the range from all others.
/// Scaling inputs too costs nothing at run time: the layer before multiplies by it together with
/// its own scale, and rectifiers do not mind.
enum Equalization {
    /// Rounds of scaling rows, then columns, to a largest weight of one. It converges quickly.
    private static let rounds = 20

    /// One scale per input, of geometric mean 1; 0 for inputs all of whose weights are zero.
    static func inputScales(_ layer: DenseNetwork.Layer) -> [Float] {
        let sizes = layer.kernel.map { abs($0) }
        var rows = [Float](repeating: 1, count: layer.inputs)
        var columns = [Float](repeating: 1, count: layer.outputs)
        for _ in 0..<rounds {
            columns = [Float](repeating: 0, count: layer.outputs)
            each(layer, sizes) { input, output, size in
                if rows[input] > 0 { columns[output] = max(columns[output], size / rows[input]) }
            }
            rows = [Float](repeating: 0, count: layer.inputs)
            each(layer, sizes) { input, output, size in
                if columns[output] > 0 { rows[input] = max(rows[input], size / columns[output]) }
            }
        }
        let used = rows.filter { $0 > 0 && $0.isFinite }
        guard !used.isEmpty else { return rows.map { _ in 0 } }
        let mean = exp(used.reduce(0.0) { $0 + log(Double($1)) } / Double(used.count))
        return rows.map { $0 > 0 && $0.isFinite ? Float(Double($0) / mean) : 0 }
    }

    @inline(__always)
    private static func each(
        _ layer: DenseNetwork.Layer, _ sizes: [Float], _ body: (Int, Int, Float) -> Void
    ) {
        sizes.withUnsafeBufferPointer { sizes in
            for input in 0..<layer.inputs {
                for output in 0..<layer.outputs {
                    body(input, output, sizes[input * layer.outputs + output])
                }
            }
        }
    }

    /// The weights for scaled inputs.
    static func divide(_ layer: DenseNetwork.Layer, by scale: [Float]) -> [Double] {
        layer.kernel.indices.map { index in
            let factor = Double(scale[index / layer.outputs])
            return factor > 0 ? Double(layer.kernel[index]) / factor : 0
        }
    }

    /// The value of one step of each output's weights: its largest weight has 127 of them.
    static func outputSteps(_ weights: [Double], columns: Int) -> [Float] {
        var largest = [Double](repeating: 0, count: columns)
        for index in weights.indices {
            largest[index % columns] = max(largest[index % columns], abs(weights[index]))
        }
        return largest.map { Float($0 / Double(Int8Matrix.largestWeight)) }
    }
}
