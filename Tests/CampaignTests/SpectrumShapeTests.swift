import Numerics
import Surrogates
import Testing

@testable import Campaign

@Suite struct SpectrumShapeTests {
    /// Two recipes at once against one output after the other. With ε = 2⁻²⁴ and γ(n) = n ε:
    /// a value u = S − level, a sum of k + 2 terms, is off by at most E = γ(k + 2) times the sum
    /// of its magnitudes; peak and floor likewise. Over n outputs, with U the largest |u| and D
    /// the floor's distance from the level, Σ u² is off by n (2 U E + E²) and γ(n + 2) of what is
    /// added up, Σ u by n E and γ(n) n U, Σ u t by √n E and γ(n + 2) √n U, as Σ |t| ≤ √n; the
    /// floor's own error moves Σ v² by 2 n E (U + D) + n E² and Σ v t by √n E. The twin adds up
    /// v = S − floor the same way, with U the span; its v is off by e = 2 E + ε U.
    @Test(arguments: [1, 47, 48, 49, 421], [0, 1, 5, 40])
    func pairsGiveWhatSingleWavelengthsGive(outputs: Int, active: Int) throws {
        var random = SeededGenerator(seed: UInt64(outputs * 100 + active))
        let inputs = 50
        var kernel: [Float] = []
        for _ in 0..<(inputs * outputs) { kernel.append(Float(random.normal())) }
        var bias: [Float] = []
        for _ in 0..<outputs { bias.append(Float(random.normal())) }
        let target = (0..<outputs).map { _ in random.uniform(0, 1) + 0.01 }
        let layer = DenseNetwork.Layer(
            inputs: inputs, outputs: outputs, kernel: kernel, bias: bias)
        let shape = SpectrumShape(layer: layer, target: target)
        let units = (0..<active).map { Int32($0) }
        var pairs: [Float] = []
        for _ in 0..<(2 * active) { pairs.append(Float(random.uniform(0, 2))) }
        for level: Float in [0, -1.5] {
            let both = shape.parts(units: units, values: pairs, count: active, level: level)
            for (offset, found) in [both.0, both.1].enumerated() {
                let values = (0..<active).map { pairs[2 * $0 + offset] }
                let single = shape.partsOneByOne(units: units, values: values, count: active)
                var size = 0.0
                for output in 0..<outputs {
                    var sum = Double(abs(bias[output])) + Double(abs(level))
                    for unit in 0..<active {
                        sum += Double(abs(values[unit] * kernel[unit * outputs + output]))
                    }
                    size = max(size, sum)
                }
                check(found, single, size: size, level: level, active: active, shape)
            }
        }
    }

    private func check(
        _ found: SpectrumShape.Parts, _ single: SpectrumShape.Parts, size: Double, level: Float,
        active: Int, _ shape: SpectrumShape
    ) {
        let unit = 0x1p-24
        let count = Double(shape.width)
        let error = Double(active + 2) * unit * size
        let most = max(abs(Double(single.peak - level)), abs(Double(single.floor - level))) + error
        let depth = abs(Double(single.floor - level)) + error
        let span = Double(single.peak - single.floor) + 2 * error
        let valueError = 2 * error + unit * span

        let squares =
            count * (2 * most * error + error * error) + (count + 2) * unit * count * most * most
        let sums = count * error + count * unit * count * most
        let square =
            squares + 2 * depth * sums + 2 * count * error * (most + depth)
            + count * error * error
        let twinSquare =
            count * (2 * span * valueError + valueError * valueError)
            + (count + 2) * unit * count * span * span
        let root = count.squareRoot()
        let product = 2 * root * error + (count + 2) * unit * root * most
        let twinProduct = root * valueError + (count + 2) * unit * root * span
        #expect(abs(Double(found.peak - single.peak)) <= 2 * error)
        #expect(abs(Double(found.floor - single.floor)) <= 2 * error)
        #expect(abs(Double(found.square - single.square)) <= square + twinSquare)
        #expect(abs(Double(found.product - single.product)) <= product + twinProduct)
        // The bound says something: it is small beside what it bounds.
        if shape.outputs == 421 { #expect(square < 0.05 * Double(single.square)) }
    }

    /// A spectrum without shape has no length, at whatever level.
    @Test func flat() {
        let layer = DenseNetwork.Layer(
            inputs: 1, outputs: 50, kernel: [Float](repeating: 0.3, count: 50),
            bias: [Float](repeating: 0.1, count: 50))
        let shape = SpectrumShape(layer: layer, target: (0..<50).map { Double($0) })
        let parts = shape.parts(units: [0], values: [0.7, 1.1], count: 1, level: 0.05)
        #expect(parts.0.square == 0 && parts.1.square == 0)
        #expect(abs(parts.0.peak - 0.31) < 1e-6 && abs(parts.1.floor - 0.43) < 1e-6)
    }
}
