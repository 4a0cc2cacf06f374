import Configuration
import Quantities
import Surrogates

/// A chemistry that is a trained network: shares in percent, then total flow in µL/min, in raw
/// units; out come absorbances on an even grid from 380 to 800 nm.
public final class NetworkChemistry: Chemistry {
    private let network: DenseNetwork
    /// First and last wavelength of the network's grid, nm.
    static let grid = (first: 380.0, last: 800.0)

    /// A chemistry that asks `network`. Throws when it does not take one number per reagent and
    /// the flow, or does not give at least two absorbances.
    public init(network: DenseNetwork, reagents: Int) throws(ChemistryError) {
        guard network.inputCount == reagents + 1 else {
            throw .wrongInputs(expected: reagents + 1, found: network.inputCount)
        }
        guard network.outputCount >= 2 else { throw .tooFewOutputs(found: network.outputCount) }
        self.network = network
    }

    /// What the network answers, interpolated between its grid points and held at its ends, but
    /// never less than zero: far from what it was trained on a network may say that a droplet
    /// shines, and a detector would rightly take that for something else. A count of shares it
    /// does not take gives zeros.
    public func absorbance(
        shares: [Double], totalFlow: FlowRate, residence: TimeSpan, wavelengths: [Wavelength]
    ) -> [Double] {
        guard shares.count + 1 == network.inputCount else {
            return [Double](repeating: 0, count: wavelengths.count)
        }
        let values = network.predict(shares + [totalFlow.microlitersPerMinute]).map { max($0, 0) }
        let step = (Self.grid.last - Self.grid.first) / Double(values.count - 1)
        return wavelengths.map { wavelength in
            let place = (wavelength.nanometers - Self.grid.first) / step
            guard place > 0 else { return values[0] }
            guard place < Double(values.count - 1) else { return values[values.count - 1] }
            let below = Int(place)
            let part = place - Double(below)
            return values[below] * (1 - part) + values[below + 1] * part
        }
    }
}

/// Why a chemistry could not be made.
public enum ChemistryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file could not be read.
    case unreadable(path: String)
    /// It is not a usable safetensors file.
    case badFile(path: String, SafetensorsError)
    /// Its tensors are not a network.
    case badNetwork(path: String, DenseNetworkError)
    /// It takes another count of numbers than the configuration has reagents, and one for flow.
    case wrongInputs(expected: Int, found: Int)
    /// It gives less than two absorbances.
    case tooFewOutputs(found: Int)

    /// What is wrong and what to do about it.
    public var description: String {
        switch self {
        case .unreadable(let path):
            "\(path): cannot be read; check simulation.chemistry, or leave it empty"
        case .badFile(let path, let error): "\(path): \(error)"
        case .badNetwork(let path, let error): "\(path): \(error)"
        case .wrongInputs(let expected, let found):
            "the network takes \(found) numbers, the configuration gives \(expected) (one per "
                + "reagent and the total flow): use the network that was trained for it"
        case .tooFewOutputs(let found): "the network gives \(found) numbers: no spectrum"
        }
    }
}

/// Makes the chemistry a configuration asks for.
public enum Chemistries {
    /// The network in `simulation.chemistryPath`, or the built-in `PrismChemistry` where that is
    /// empty. `readFile` gives the bytes of a file, nil when it cannot.
    public static func make(
        settings: Settings, readFile: (String) -> [UInt8]?
    ) throws(ChemistryError) -> any Chemistry {
        let reagents = reagentNames(settings)
        let path = settings.simulation.chemistryPath
        guard !path.isEmpty else { return PrismChemistry(reagents: reagents) }
        guard let bytes = readFile(path) else { throw .unreadable(path: path) }
        let file: Safetensors
        do { file = try Safetensors(bytes: bytes) } catch { throw .badFile(path: path, error) }
        let network: DenseNetwork
        do { network = try DenseNetwork(file) } catch { throw .badNetwork(path: path, error) }
        return try NetworkChemistry(network: network, reagents: reagents.count)
    }

    /// The pumps of the reagent variables, in the order of `settings.variables`: the order of
    /// the shares a `Chemistry` is asked with.
    public static func reagentNames(_ settings: Settings) -> [String] {
        settings.variables.compactMap { variable in
            guard case .reagentPercent(let pump) = variable.kind else { return nil }
            return pump
        }
    }
}
