import Numerics
import Surrogates
import Testing

@testable import Campaign

@Suite struct SpectrumShapeTests {
    private func layer(
        inputs: Int, outputs: Int, _ random: inout SeededGenerator
    ) -> DenseNetwork.Layer {
        var kernel: [Float] = []
        for _ in 0..<(inputs * outputs) { kernel.append(Float(random.normal())) }
        var bias: [Float] = []
        for _ in 0..<outputs { bias.append(Float(random.normal())) }
        return DenseNetwork.Layer(inputs: inputs, outputs: outputs, kernel: kernel, bias: bias)
    }

    /// A leaf at once against one output after the other. With ε = 2⁻²⁴ a value S, a sum of
    /// k + 1 terms in single precision, is off by at most E = (k + 1) ε times the sum of its
    /// magnitudes; so are peak and floor, of which two are compared. Length and product are
    /// found in double precision, where the floor's error is left: with n outputs and D the span,
    /// n (2 D E + E²) of the length and √n E of the product, as Σ |t| ≤ √n. The twin's values
    /// v = S − floor are each off by 2 E: n (4 D E + 4 E²) and 2 √n E. What double precision
    /// rounds off is less than 10⁻¹² of n times the squared magnitudes.
    @Test(arguments: [1, 47, 48, 49, 421], [0, 1, 5, 40])
    func leafGivesWhatSingleWavelengthsGive(outputs: Int, active: Int) {
        var random = SeededGenerator(seed: UInt64(outputs * 100 + active))
        let layer = layer(inputs: 50, outputs: outputs, &random)
        let wanted = (0..<outputs).map { _ in random.uniform(0, 1) + 0.01 }
        let shape = SpectrumShape(layer: layer, target: wanted)
        // Twice, with other neurons: rows that were used before, and new ones.
        for round in 0..<2 {
            let units = (0..<active).map { Int32(49 - $0 - round * (49 - active) / 2) }
            var values: [Float] = []
            for _ in 0..<(SpectrumShape.leaf * active) {
                values.append(max(0, Float(random.uniform(-0.5, 2))))
            }
            units.withUnsafeBufferPointer { units in
                values.withUnsafeBufferPointer { values in
                    let empty = UnsafeMutablePointer<Float>.allocate(capacity: 1)
                    defer { empty.deallocate() }
                    let noUnit = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
                    defer { noUnit.deallocate() }
                    shape.measure(
                        SpectrumShape.Live(
                            units: units.baseAddress ?? UnsafePointer(noUnit), count: active,
                            outputs: values.baseAddress ?? UnsafePointer(empty)))
                }
            }
            for point in 0..<SpectrumShape.leaf {
                let own = (0..<active).map { values[$0 * SpectrumShape.leaf + point] }
                check(shape.parts(point), layer, shape.target, units: units, values: own)
            }
        }
    }

    private func check(
        _ found: SpectrumShape.Parts, _ layer: DenseNetwork.Layer, _ target: [Float],
        units: [Int32], values: [Float]
    ) {
        let single = SpectrumShape.partsOneByOne(
            layer: layer, target: target, units: units, values: values)
        var size = 0.0
        for output in 0..<layer.outputs {
            var sum = Double(abs(layer.bias[output]))
            for (unit, value) in zip(units, values) {
                sum += Double(abs(value * layer.kernel[Int(unit) * layer.outputs + output]))
            }
            size = max(size, sum)
        }
        let count = Double(layer.outputs)
        let error = Double(units.count + 1) * 0x1p-24 * size
        let span = Double(single.peak - single.floor) + 2 * error
        let rest = 1e-12 * count * size * size
        let square = count * (6 * span * error + 5 * error * error) + rest
        #expect(abs(Double(found.peak - single.peak)) <= 2 * error)
        #expect(abs(Double(found.floor - single.floor)) <= 2 * error)
        #expect(abs(found.square - single.square) <= square)
        #expect(
            abs(found.product - single.product) <= 3 * count.squareRoot() * error + 1e-12 * size)
        // The bound says something: it is small beside what it bounds.
        if layer.outputs == 421 { #expect(square < 0.01 * single.square) }
    }

    /// A spectrum without shape has no length.
    @Test func flat() {
        let layer = DenseNetwork.Layer(
            inputs: 1, outputs: 50, kernel: [Float](repeating: 0.3, count: 50),
            bias: [Float](repeating: 0.1, count: 50))
        let shape = SpectrumShape(layer: layer, target: (0..<50).map { Double($0) })
        let values = [Float](repeating: 0.7, count: SpectrumShape.leaf)
        shape.measure(SpectrumShape.Live(units: [0], count: 1, outputs: values))
        let parts = shape.parts(9)
        #expect(parts.square == 0 && abs(parts.peak - 0.31) < 1e-6)
        #expect(parts.floor == parts.peak)
    }
}
