import Foundation
import Surrogates
import TestSupport
import Testing

@Suite struct DenseNetworkTests {
    private func tensors(_ pairs: [(String, [Int], [Double])]) -> Safetensors {
        var result: [String: Tensor] = [:]
        for (name, shape, values) in pairs { result[name] = Tensor(shape: shape, values: values) }
        return Safetensors(tensors: result)
    }

    @Test func twoLayersByHand() throws {
        // Hidden: (1·2 − 1·1 + 0.5, 1·(−3) + 1·0 − 1) = (1.5, −4) → (1.5, 0).
        // Out: 1.5·4 + 0·9 − 1 = 5 and 1.5·(−2) + 0·9 + 0.25 = −2.75, which stays negative.
        let network = try DenseNetwork(
            tensors([
                ("dense_1.kernel", [2, 2], [2, -3, -1, 0]), ("dense_1.bias", [2], [0.5, -1]),
                ("dense_2.kernel", [2, 2], [4, -2, 9, 9]), ("dense_2.bias", [2], [-1, 0.25]),
                ("other", [1], [7]),
            ]))
        #expect(network.predict([1.0, 1.0] as [Double]) == [5, -2.75])
    }

    @Test func gapsAndWrongShapesAreNamed() {
        let first: [(String, [Int], [Double])] = [
            ("dense_1.kernel", [1, 2], [1, 1]), ("dense_1.bias", [2], [0, 0]),
        ]
        #expect(throws: DenseNetworkError.noLayers) { try DenseNetwork(tensors([])) }
        #expect(throws: DenseNetworkError.missing(tensor: "dense_1.bias")) {
            try DenseNetwork(tensors([first[0]]))
        }
        #expect(throws: DenseNetworkError.missing(tensor: "dense_1.kernel")) {
            try DenseNetwork(tensors([first[1]]))
        }
        #expect(throws: DenseNetworkError.missing(tensor: "dense_2.kernel")) {
            try DenseNetwork(
                tensors(first + [("dense_3.kernel", [2, 1], [1, 1]), ("dense_3.bias", [1], [0])]))
        }
        #expect(
            throws: DenseNetworkError.wrongShape(
                tensor: "dense_1.bias", expected: "[2]", found: [1])
        ) { try DenseNetwork(tensors([first[0], ("dense_1.bias", [1], [0])])) }
        #expect(throws: DenseNetworkError.sizesDisagree(layer: 2, expected: 2, found: 3)) {
            try DenseNetwork(
                tensors(
                    first + [("dense_2.kernel", [3, 1], [1, 1, 1]), ("dense_2.bias", [1], [0])]))
        }
    }

    private static let network = SharedData.path("agbonn/published_network.safetensors")

    private static func rows(_ name: String) throws -> [[Double]] {
        let path = try #require(SharedData.path("agbonn/" + name))
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").dropFirst()
            .map { $0.split(separator: ",").map { Double($0) ?? .nan } }
    }

    /// The losses of the published network follow the published medians (r = 0.91 was found
    /// with another program).
    @Test(.enabled(if: network != nil)) func publishedNetworkFollowsPublishedLosses() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: #require(Self.network)))
        let network = try DenseNetwork(Safetensors(bytes: Array(data)))
        #expect(network.layers.map(\.inputs) == [5, 50, 100, 200, 500])
        #expect(network.outputCount == 421)

        let points = try Self.rows("target_prism_50nm.csv")
        let target = (380...800).map { wavelength -> Double in
            let place = Double(wavelength)
            let upper = points.firstIndex { $0[0] >= place } ?? points.count - 1
            guard upper > 0 else { return points[0][1] }
            let (a, b) = (points[upper - 1], points[upper])
            return a[1] + (b[1] - a[1]) * (place - a[0]) / (b[0] - a[0])
        }
        func scaled(_ values: [Double]) -> [Double] {
            let (low, high) = (values.min() ?? 0, values.max() ?? 1)
            return values.map { ($0 - low) / (high - low) }
        }
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map(*).reduce(0, +) }
        let wanted = scaled(target)
        var predicted: [Double] = []
        var published: [Double] = []
        for row in try Self.rows("conditions.csv") {
            let spectrum = network.predict(Array(row[2...6]))
            let shape = scaled(spectrum)
            let top = spectrum.max() ?? 0
            let gate = top <= 0 || top > 1.2 ? 0 : min(top / 0.7, 1)
            let cosine = dot(shape, wanted) / (dot(shape, shape) * dot(wanted, wanted)).squareRoot()
            predicted.append(1 - gate * cosine)
            published.append(row[8])
        }
        #expect(predicted.count == 164)
        func centred(_ values: [Double]) -> [Double] {
            let mean = values.reduce(0, +) / Double(values.count)
            return values.map { $0 - mean }
        }
        let (a, b) = (centred(predicted), centred(published))
        let r = dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
        #expect(r >= 0.9 && r < 0.93, "r = \(r)")
    }
}
