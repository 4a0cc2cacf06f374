/// How a network is made into whole numbers.
public struct QuantizationSettings: Equatable, Sendable {
    /// How finely the numbers between layers are cut. Weights always have eight bits.
    public enum Activations: String, Equatable, Sendable {
        /// 14 bits, a step for each row: the weights' rounding is all that is left of the error.
        case fine
        /// 7 bits, a step for each row: half the products on processors with 8-bit dot products.
        case coarse
    }

    /// How finely the numbers between layers are cut.
    public var activations: Activations
    /// First layers that stay in single precision, 1 at least: they read the experimenter's
    /// units, which have signs and any size, and are small.
    public var floatLayers: Int
    /// What keeps the rounding from leaning on directions the calibration hardly shows: this
    /// share of the mean square of an input is added to the diagonal of their second moments.
    public var damping: Double
    /// The errors beyond which the quantised network is refused.
    public var limit: QuantizationLimit

    /// Settings; see the properties.
    public init(
        activations: Activations = .fine, floatLayers: Int = 1, damping: Double = 1e-4,
        limit: QuantizationLimit = .fine
    ) {
        self.activations = activations
        self.floatLayers = floatLayers
        self.damping = damping
        self.limit = limit
    }

    /// 14-bit activations, errors of up to 1 %.
    public static let fine = QuantizationSettings()
    /// 7-bit activations, two layers in float, errors of up to 3 %.
    public static let coarse = QuantizationSettings(
        activations: .coarse, floatLayers: 2, limit: .coarse)
}

/// The largest errors, quantised against float, with which a network may be used. What is not
/// measured (no wavelengths, no loss given) is not judged.
public struct QuantizationLimit: Equatable, Sendable {
    /// √(Σ (quantised − float)² / Σ float²) over all outputs of all recipes.
    public var relativeRMSE: Double
    /// Mean absolute error of the loss.
    public var lossError: Double
    /// 99 % quantile of how far the peak moves, nm.
    public var peakDisplacementNm: Double

    /// Limits; see the properties.
    public init(relativeRMSE: Double, lossError: Double, peakDisplacementNm: Double) {
        self.relativeRMSE = relativeRMSE
        self.lossError = lossError
        self.peakDisplacementNm = peakDisplacementNm
    }

    /// 1 %, 0.003 and 15 nm: small beside the scatter of droplets (5 % of the amplitude).
    public static let fine = QuantizationLimit(
        relativeRMSE: 0.01, lossError: 0.003, peakDisplacementNm: 15)
    /// 3 %, 0.01 and 50 nm: enough for a first look over a grid.
    public static let coarse = QuantizationLimit(
        relativeRMSE: 0.03, lossError: 0.01, peakDisplacementNm: 50)
    /// Nothing is refused.
    public static let none = QuantizationLimit(
        relativeRMSE: .infinity, lossError: .infinity, peakDisplacementNm: .infinity)
}

/// Why a network was not quantised, or a quantised network not used.
public enum QuantizationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No layer is left to quantise, or no float layer left before it.
    case nothingToQuantize(layers: Int, floatLayers: Int)
    /// A layer is wider than the kernels take.
    case tooWide(layer: Int, size: Int, limit: Int)
    /// A weight or bias is not a finite number.
    case weightNotFinite(layer: Int)
    /// Settings no quantisation can be made with.
    case badSetting(name: String, why: String)
    /// There are no calibration recipes, too many, or some of another length than the network's.
    case badCalibration(why: String)
    /// An input is not a finite number.
    case inputNotFinite(row: Int)
    /// A number inside the network left the range of single precision.
    case overflow(row: Int)
    /// The numbers given or asked for do not have the network's sizes.
    case wrongCount(what: String, expected: Int, found: Int)
    /// The error is larger than the limit.
    case tooInexact(measure: String, found: Double, limit: Double)
    /// A file does not hold a quantised network.
    case badFile(tensor: String, why: String)

    /// What is wrong and what to do about it.
    public var description: String {
        switch self {
        case .nothingToQuantize(let layers, let floatLayers):
            "\(layers) layers, \(floatLayers) of them in float: keep at least one in float "
                + "and leave at least one to quantise"
        case .tooWide(let layer, let size, let limit):
            "layer \(layer) has \(size) numbers on a side: at most \(limit) are possible"
        case .weightNotFinite(let layer):
            "layer \(layer) has a weight that is not finite: train or load the network again"
        case .badSetting(let name, let why): "\(name): \(why)"
        case .badCalibration(let why): "calibration recipes: \(why)"
        case .inputNotFinite(let row):
            "row \(row) has an input that is not a finite number: check the recipe"
        case .overflow(let row):
            "row \(row) leaves the range of single precision: check the recipe's units"
        case .wrongCount(let what, let expected, let found):
            "\(what): \(found) numbers, there should be \(expected)"
        case .tooInexact(let measure, let found, let limit):
            "quantised, the network's \(measure) is \(found), the limit is \(limit): use it in "
                + "float, calibrate with more recipes, or raise the limit"
        case .badFile(let tensor, let why): "tensor \(tensor): \(why)"
        }
    }
}
