/// How a network is trained.
///
/// The defaults gave about the least held-out error among some forty combinations on 15 to 90
/// conditions of the published network's chemistry (`Tests/Peers/training.py` makes the data):
/// two layers of 128 did better than the published 50-100-200-500 at half the work, and a fast
/// rate with weight decay mattered most. Root mean square error of absorbance and mean error of
/// the loss over 50 other conditions, mean of three draws:
///
///     conditions                                         15          45          90
///     128-128, rate 0.01, decay 0.5 (the defaults)  .079 .097   .035 .027   .029 .021
///     128-128, rate 0.01, decay 1, 200 epochs       .081 .099   .037 .030   .030 .024
///     published shape, rate 0.005, decay 3          .086 .102   .038 .033   .031 .028
///
/// With no decay and a rate of 0.002 both shapes did worse by a fifth to a third (two draws).
public struct TrainingSettings: Equatable, Sendable {
    /// Sizes of the hidden layers.
    public var hidden = [128, 128]
    /// Times every condition is seen.
    public var epochs = 500
    /// Conditions in one step.
    public var batch = 32
    /// Largest learning rate of Adam, for scaled inputs and outputs. It rises over the first
    /// `warmUpShare` of the steps and falls along a cosine to `finalRateShare` of it.
    public var learningRate = 0.01
    /// Share of the steps in which the rate rises.
    public var warmUpShare = 0.05
    /// The last rate over the largest.
    public var finalRateShare = 0.01
    /// Decoupled weight decay of the kernels, per unit of rate.
    public var weightDecay = 0.5
    /// Deviation of the noise added to scaled inputs in every step: smooths between conditions.
    public var inputNoise = 0.0
    /// Share of the conditions held out to judge the fit; 0 holds out none and stops at `epochs`.
    public var heldOutShare = 0.0
    /// Epochs between two looks at the held-out error.
    public var evaluationEpochs = 5
    /// Epochs without a better held-out error after which training stops; the best is kept.
    public var patienceEpochs = 100
    /// Remainder of the outputs, relative to their deviation, below which no further direction is
    /// added; see `TrainingScales`.
    public var basisTolerance = 0.005
    /// Most directions of the outputs.
    public var mostDirections = 24
    /// Where all randomness comes from.
    public var seed: UInt64 = 1

    /// Largest count of epochs, of conditions in a step, of hidden layers, of units in one.
    public static let maximumEpochs = 1_000_000
    /// Largest count of conditions in one step.
    public static let maximumBatch = 4_096
    /// Most hidden layers.
    public static let maximumHiddenLayers = 32

    /// The defaults.
    public init() {}

    /// What does best with the published sizes, 5-50-100-200-500-421.
    public static var publishedShape: TrainingSettings {
        var settings = TrainingSettings()
        settings.hidden = [50, 100, 200, 500]
        settings.epochs = 150
        settings.learningRate = 0.005
        settings.weightDecay = 3
        return settings
    }

    /// Throws `badSetting` for what makes no sense.
    func check() throws(TrainingError) {
        func within(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(TrainingError) {
            guard range.contains(value) else {
                throw .badSetting(name: name, why: "must lie in \(range), not \(value)")
            }
        }
        func within(
            _ name: String, _ value: Double, _ range: ClosedRange<Double>
        ) throws(TrainingError) {
            guard range.contains(value) else {
                throw .badSetting(name: name, why: "must lie in \(range), not \(value)")
            }
        }
        try within("epochs", epochs, 1...Self.maximumEpochs)
        try within("batch", batch, 1...Self.maximumBatch)
        try within("hidden layers", hidden.count, 0...Self.maximumHiddenLayers)
        for size in hidden { try within("hidden units", size, 1...TrainingSet.maximumWidth) }
        try within("learning rate", learningRate, 1e-9...1)
        try within("warm-up share", warmUpShare, 0...1)
        try within("final rate share", finalRateShare, 0...1)
        try within("weight decay", weightDecay, 0...100)
        try within("input noise", inputNoise, 0...10)
        try within("held-out share", heldOutShare, 0...0.9)
        try within("evaluation epochs", evaluationEpochs, 1...Self.maximumEpochs)
        try within("patience epochs", patienceEpochs, 1...Self.maximumEpochs)
        try within("basis tolerance", basisTolerance, 0...1)
        try within("directions", mostDirections, 1...TrainingSet.maximumWidth)
    }
}
