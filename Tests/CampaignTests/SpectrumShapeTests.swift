import Numerics
import Surrogates
import Testing

@testable import Campaign

@Suite struct SpectrumShapeTests {
    /// Six tiles at once against one output after the other. With u = 2⁻²⁴ and γ(n) = n u:
    /// a sum of a bias and k products is off by at most γ(k + 1) times the sum of its magnitudes,
    /// at most E; peak and floor likewise. v = S − floor is then off by at most e = 2 E + u |v|
    /// ≤ 2 E + u R, R the span; Σ v² by Σ (2 |v| e + e²) and γ(n + 2) of all that is added up,
    /// which for the tiles includes the repeated first output behind the last; Σ v t likewise,
    /// with Σ |t| ≤ √n. Both sides may be off by as much.
    @Test(arguments: [1, 47, 48, 49, 421], [0, 1, 5, 40])
    func tilesGiveWhatSingleWavelengthsGive(outputs: Int, active: Int) throws {
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
        var values: [Float] = []
        for _ in 0..<active { values.append(Float(random.uniform(0, 2))) }
        let tiles = shape.parts(units: units, values: values, count: active)
        let single = shape.partsOneByOne(units: units, values: values, count: active)

        var size = 0.0
        for output in 0..<outputs {
            var sum = Double(abs(bias[output]))
            for unit in 0..<active {
                sum += Double(abs(values[unit] * kernel[unit * outputs + output]))
            }
            size = max(size, sum)
        }
        let unit = 0x1p-24
        let count = Double(shape.width)
        let sumError = Double(active + 1) * unit * size
        let span = Double(single.peak - single.floor) + 2 * sumError
        let valueError = 2 * sumError + unit * span
        let squareError =
            count * (2 * span * valueError + valueError * valueError)
            + (count + 2) * unit * count * span * span
        let productError =
            count.squareRoot() * valueError + (count + 2) * unit * span * count.squareRoot()
        #expect(abs(Double(tiles.peak - single.peak)) <= 2 * sumError)
        #expect(abs(Double(tiles.floor - single.floor)) <= 2 * sumError)
        #expect(abs(Double(tiles.square - single.square)) <= 2 * squareError)
        #expect(abs(Double(tiles.product - single.product)) <= 2 * productError)
        // The bound says something: it is small beside what it bounds.
        if outputs == 421 { #expect(squareError < 0.05 * Double(single.square)) }
    }
}
