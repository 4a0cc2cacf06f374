import Quantities

/// What the fluidics see of a pump.
public protocol FlowSource: AnyObject {
    /// Volume that has left the syringe into the tubing by `instant`. It may be asked for any
    /// instant not before the last one; a source that only knows its newest state answers with
    /// that for instants before it. Volume that went back is not seen until it is made up for.
    func delivered(at instant: Instant) -> Volume
}

/// A flow source made of a closure.
public final class FlowFunction: FlowSource {
    private let function: (Instant) -> Volume

    /// A source that answers with `function`.
    public init(_ function: @escaping (Instant) -> Volume) { self.function = function }

    /// The answer of the closure.
    public func delivered(at instant: Instant) -> Volume { function(instant) }
}

/// Something that wants to know when the lamp is switched, exposures or not.
public protocol LampWatching: AnyObject {
    /// The lamp line was set.
    func lampSwitched(on: Bool, at now: Instant)
}

/// How a pixel number becomes a wavelength: λ(p) = c0 + c1 p + c2 p² + c3 p³, in nanometres.
public struct WavelengthCalibration: Equatable, Sendable {
    /// c0…c3.
    public var coefficients: [Double]

    /// A calibration with these coefficients, lowest power first.
    public init(coefficients: [Double]) { self.coefficients = coefficients }

    /// 340 to 1,000 nm over 2,048 pixels, a little curved as real benches are; 380 to 800 nm are
    /// pixels 118 to about 1,396.
    public static let standard = WavelengthCalibration(
        coefficients: [340, 0.342, -8.0e-6, -1.0e-9])

    /// The wavelength of `pixel`.
    public func wavelength(of pixel: Int) -> Wavelength {
        let place = Double(pixel)
        return Wavelength(
            nanometers: coefficients.reversed().reduce(0) { $0 * place + $1 })
    }
}
