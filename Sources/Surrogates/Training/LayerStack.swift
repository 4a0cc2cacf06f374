import Numerics

/// The numbers of a network in training: parameters, gradients, moments and the values on their
/// way through the layers. All memory is taken at once; a step allocates nothing.
///
/// Samples are columns. A weight matrix is then the left factor of every product it takes part
/// in, which is read where it lies; only the few columns of a batch are packed.
final class LayerStack {
    /// Units of every layer, the inputs first.
    let sizes: [Int]
    /// Columns there is room for, a multiple of a tile's.
    let capacity: Int
    /// Kernels of all layers, then biases of all layers.
    let parameters: FloatBuffer
    /// The parameters' derivatives, in the same order.
    let gradients: FloatBuffer
    /// Adam's first moments.
    let firstMoments: FloatBuffer
    /// Adam's second moments.
    let secondMoments: FloatBuffer
    /// How many of the parameters are kernels.
    let kernelCount: Int
    /// Where each kernel begins.
    private let kernelStarts: [Int]
    /// Where each bias begins.
    private let biasStarts: [Int]
    /// What each layer gives; the first are the inputs. `sizes[l]` rows of `capacity`.
    private let values: [FloatBuffer]
    /// Derivatives with respect to what a layer gives; two that change places.
    private let slopes: [FloatBuffer]
    private let packing: FloatBuffer

    /// Columns are padded to this: a tile's.
    static let columnStep = 16

    init(sizes: [Int], batch: Int) {
        self.sizes = sizes
        capacity = (batch + Self.columnStep - 1) / Self.columnStep * Self.columnStep
        var place = 0
        var kernels: [Int] = []
        for layer in 1..<sizes.count {
            kernels.append(place)
            place += sizes[layer - 1] * sizes[layer]
        }
        kernelCount = place
        var biases: [Int] = []
        for layer in 1..<sizes.count {
            biases.append(place)
            place += sizes[layer]
        }
        (kernelStarts, biasStarts) = (kernels, biases)
        parameters = FloatBuffer(count: place)
        gradients = FloatBuffer(count: place)
        firstMoments = FloatBuffer(count: place)
        secondMoments = FloatBuffer(count: place)
        let room = capacity
        values = sizes.map { FloatBuffer(count: $0 * room) }
        let widest = sizes.max() ?? 0
        slopes = [FloatBuffer(count: widest * room), FloatBuffer(count: widest * room)]
        packing = FloatBuffer(
            count: FloatGemm.packingCount(columns: max(room, widest) + 16, depth: 256))
    }

    /// The inputs of the next pass: `sizes[0]` rows of `capacity` columns.
    var inputs: UnsafeMutablePointer<Float> { values[0].base }
    /// The outputs of the last pass.
    var outputs: UnsafeMutablePointer<Float> { values[values.count - 1].base }
    /// Where the caller puts the derivatives of the error by the outputs before `backward`.
    var outputSlopes: UnsafeMutablePointer<Float> { slopes[0].base }

    /// Columns a pass of `count` samples works on.
    func padded(_ count: Int) -> Int {
        (count + Self.columnStep - 1) / Self.columnStep * Self.columnStep
    }

    /// Random kernels (He et al., 2015) and biases, so that the kinks of the first layer spread
    /// over the inputs instead of all passing their mean.
    func randomize(_ generator: inout SeededGenerator) {
        for layer in 1..<sizes.count {
            let isLast = layer == sizes.count - 1
            let deviation = ((isLast ? 1.0 : 2.0) / Double(sizes[layer - 1])).squareRoot()
            let start = kernelStarts[layer - 1]
            for index in start..<start + sizes[layer - 1] * sizes[layer] {
                parameters.base[index] = Float(generator.normal() * deviation)
            }
            let spread = isLast ? 0 : 1 / Double(sizes[layer - 1]).squareRoot()
            let bias = biasStarts[layer - 1]
            for index in bias..<bias + sizes[layer] {
                parameters.base[index] = Float(generator.uniform(-spread, spread))
            }
        }
    }

    /// The inputs through all layers; `columns` is padded.
    func forward(columns: Int) {
        let base = UnsafePointer(parameters.base)
        for layer in 1..<sizes.count {
            FloatGemm.multiply(
                rows: sizes[layer], columns: columns, depth: sizes[layer - 1],
                FloatGemm.Operand(
                    base + kernelStarts[layer - 1], stride: sizes[layer], isTransposed: true),
                FloatGemm.Operand(values[layer - 1].base, stride: capacity),
                into: values[layer].base, stride: capacity,
                ending: FloatGemm.Ending(
                    bias: .perRow(base + biasStarts[layer - 1]),
                    isRectified: layer < sizes.count - 1),
                packing: packing.base)
        }
    }

    /// The gradients from `outputSlopes`, whose padding must be zero.
    func backward(columns: Int) {
        var (above, below) = (slopes[0].base, slopes[1].base)
        for layer in (1..<sizes.count).reversed() {
            let (inputs, outputs) = (sizes[layer - 1], sizes[layer])
            FloatGemm.multiply(
                rows: inputs, columns: outputs, depth: columns,
                FloatGemm.Operand(values[layer - 1].base, stride: capacity),
                FloatGemm.Operand(above, stride: capacity, isTransposed: true),
                into: gradients.base + kernelStarts[layer - 1], stride: outputs,
                packing: packing.base)
            let bias = gradients.base + biasStarts[layer - 1]
            for output in 0..<outputs {
                bias[output] = FloatVector.sum(above + output * capacity, count: columns)
            }
            guard layer > 1 else { return }
            FloatGemm.multiply(
                rows: inputs, columns: columns, depth: outputs,
                FloatGemm.Operand(parameters.base + kernelStarts[layer - 1], stride: outputs),
                FloatGemm.Operand(above, stride: capacity), into: below, stride: capacity,
                packing: packing.base)
            for row in 0..<inputs {
                FloatVector.rectifierGradient(
                    values[layer - 1].base + row * capacity, count: columns,
                    below + row * capacity)
            }
            (above, below) = (below, above)
        }
    }

    /// Step `number` of Adam.
    func step(number: Int, rate: Double, decay: Double) {
        update(0..<kernelCount, FloatAdam.Step(number: number, rate: rate, decay: decay))
        update(kernelCount..<parameters.count, FloatAdam.Step(number: number, rate: rate))
    }

    private func update(_ range: Range<Int>, _ step: FloatAdam.Step) {
        let start = range.lowerBound
        FloatAdam.update(
            parameters.base + start, gradients: gradients.base + start,
            first: firstMoments.base + start, second: secondMoments.base + start,
            count: range.count, step)
    }

    /// The layers that `buffer`, of the parameters' length and order, holds.
    func layers(of buffer: FloatBuffer) -> [DenseNetwork.Layer] {
        (1..<sizes.count).map { layer in
            let kernel = kernelStarts[layer - 1]
            let bias = biasStarts[layer - 1]
            let (inputs, outputs) = (sizes[layer - 1], sizes[layer])
            return DenseNetwork.Layer(
                inputs: inputs, outputs: outputs,
                kernel: (0..<inputs * outputs).map { buffer.base[kernel + $0] },
                bias: (0..<outputs).map { buffer.base[bias + $0] })
        }
    }

    /// Takes over the weights of `layers`, which have this stack's sizes.
    func take(_ layers: [DenseNetwork.Layer]) {
        for (index, layer) in layers.enumerated() {
            for (place, value) in layer.kernel.enumerated() {
                parameters.base[kernelStarts[index] + place] = value
            }
            for (place, value) in layer.bias.enumerated() {
                parameters.base[biasStarts[index] + place] = value
            }
        }
    }
}
