/// Numbers between two layers, one row for each calibration recipe.
struct Rows: Equatable {
    private(set) var count: Int
    private(set) var width: Int
    private(set) var values: [Double]

    init(_ recipes: [[Float]]) {
        count = recipes.count
        width = recipes.first?.count ?? 0
        values = recipes.flatMap { $0.map(Double.init) }
    }

    private init(count: Int, width: Int, values: [Double]) {
        self.count = count
        self.width = width
        self.values = values
    }

    /// What `layer` makes of the rows. Zeros, of which rectifiers leave many, cost nothing.
    func through(_ layer: DenseNetwork.Layer, rectified: Bool) -> Rows {
        let outputs = layer.outputs
        let kernel = layer.kernel.map(Double.init)
        let bias = layer.bias.map(Double.init)
        var result = [Double](repeating: 0, count: count * outputs)
        result.withUnsafeMutableBufferPointer { result in
            kernel.withUnsafeBufferPointer { kernel in
                for row in 0..<count {
                    let out = result.baseAddress.unsafelyUnwrapped + row * outputs
                    for output in 0..<outputs { out[output] = bias[output] }
                    for input in 0..<width where values[row * width + input] != 0 {
                        axpy(
                            outputs, values[row * width + input],
                            kernel.baseAddress.unsafelyUnwrapped + input * outputs, out)
                    }
                }
            }
        }
        let rows = Rows(count: count, width: outputs, values: result)
        return rectified ? rows.rectified() : rows
    }

    /// Negative numbers as 0.
    func rectified() -> Rows {
        Rows(count: count, width: width, values: values.map { $0 < 0 ? 0 : $0 })
    }

    /// Column i times `scale[i]`.
    func scaled(by scale: [Float]) -> Rows {
        let factors = scale.map(Double.init)
        return Rows(
            count: count, width: width,
            values: values.indices.map { values[$0] * factors[$0 % width] })
    }

    /// What is left of each row, none of it negative, when it is cut into whole steps, of which
    /// its largest number has `largestCode`.
    func coded(largestCode: Int) -> Rows {
        var result = values
        for row in 0..<count {
            let range = row * width..<(row + 1) * width
            guard let largest = values[range].max(), largest > 0 else { continue }
            let step = largest / Double(largestCode)
            for index in range { result[index] = (values[index] / step).rounded() * step }
        }
        return Rows(count: count, width: width, values: result)
    }

    /// How many rows have a number other than zero in each column.
    func activeCounts() -> [Int] {
        var counts = [Int](repeating: 0, count: width)
        for index in values.indices where values[index] != 0 { counts[index % width] += 1 }
        return counts
    }

    /// The mean over all rows of this minus `other`, for each column.
    func meanDifference(from other: Rows) -> [Double] {
        var means = [Double](repeating: 0, count: width)
        for index in values.indices { means[index % width] += values[index] - other.values[index] }
        return means.map { $0 / Double(max(1, count)) }
    }

    /// Adds one number to each column.
    mutating func add(_ shift: [Double]) {
        for index in values.indices { values[index] += shift[index % width] }
    }

    /// The columns `chosen` alone.
    func columns(_ chosen: [Int]) -> [Double] {
        var result: [Double] = []
        result.reserveCapacity(count * chosen.count)
        for row in 0..<count {
            for column in chosen { result.append(values[row * width + column]) }
        }
        return result
    }
}

/// `y += factor × x` for `count` numbers.
@inline(__always)
func axpy(
    _ count: Int, _ factor: Double, _ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>
) {
    let source = UnsafeRawPointer(x)
    let target = UnsafeMutableRawPointer(y)
    var at = 0
    let whole = count / 4 * 32
    while at < whole {
        let sum = target.loadUnaligned(fromByteOffset: at, as: SIMD4<Double>.self)
            .addingProduct(
                source.loadUnaligned(fromByteOffset: at, as: SIMD4<Double>.self), factor)
        target.storeBytes(of: sum, toByteOffset: at, as: SIMD4<Double>.self)
        at &+= 32
    }
    for index in count / 4 * 4..<count { y[index].addProduct(x[index], factor) }
}
