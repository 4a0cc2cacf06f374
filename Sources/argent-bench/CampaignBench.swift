import Campaign
import Configuration
import Glibc
import Numerics
import Spectra
import Surrogates
import World

/// `argent-bench campaign`: how few droplets reach the target. Whole campaigns of the real
/// planner, without a rig: the chemistry is a network, and every condition is twelve droplets
/// with the scatter of the published ones. What counts is the noise-free loss of the best recipe
/// so far.
struct CampaignBench {
    var networkPath = ""
    var targetPath = ""
    var seeds = 20
    var runs = 8
    var firstSeed: UInt64 = 1
    var method = CampaignSettings().method
    var logOffset = CampaignSettings().logOffset
    var isVerbose = false
    var handOverRun = CampaignSettings().handOverRun
    var learnsFrom = CampaignSettings().learnsFrom

    static let help = """
        argent-bench campaign --network FILE --target FILE [--method NAME] [--seeds N]
                              [--first-seed N] [--runs N] [--log-offset X] [--hand-over-run N]
                              [--learns-from N] [--verbose]
        Plays campaigns of 15 recipes a run against a network as chemistry; prints the noise-free
        loss of the best recipe so far, run by run: one JSON object per seed, then quartiles.
        """

    /// Reads `words`; nil when they make no sense.
    init?(_ words: ArraySlice<String>) {
        var words = words
        while let word = words.popFirst() {
            if word == "--verbose" {
                isVerbose = true
                continue
            }
            guard let value = words.popFirst() else { return nil }
            switch word {
            case "--network": networkPath = value
            case "--target": targetPath = value
            case "--seeds": seeds = Int(value) ?? 0
            case "--first-seed": firstSeed = UInt64(value) ?? 1
            case "--runs": runs = Int(value) ?? 0
            case "--hand-over-run": handOverRun = Int(value) ?? 0
            case "--learns-from": learnsFrom = Int(value) ?? 0
            case "--log-offset": logOffset = Double(value) ?? 0
            case "--method":
                guard let known = PlanningMethod(rawValue: value) else { return nil }
                method = known
            default: return nil
            }
        }
        guard !networkPath.isEmpty, !targetPath.isEmpty, (1...10_000).contains(seeds),
            (1...60).contains(runs), logOffset > 0
        else { return nil }
    }

    /// The published grid search's box, from the first run on.
    private func settings(seed: UInt64) -> Settings {
        var settings = Settings()
        func reagent(_ name: String, _ low: Double, _ high: Double) {
            settings.variables.append(
                VariableSettings(
                    name: name, kind: .reagentPercent(pump: name), low: low, high: high,
                    lowLimit: low, highLimit: high))
        }
        reagent("Q_AgNO3", 4, 45)
        reagent("Q_PVA", 10, 40)
        reagent("Q_TSC", 0.5, 30)
        reagent("Q_seed", 0.5, 20)
        settings.variables.append(
            VariableSettings(
                name: "Q_tot", kind: .totalFlow, low: 200, high: 1_000, lowLimit: 200,
                highLimit: 1_000))
        settings.campaign.seed = seed
        settings.campaign.runs = runs
        settings.campaign.lossThreshold = 0
        settings.campaign.method = method
        settings.campaign.logOffset = logOffset
        settings.campaign.learnsFrom = learnsFrom
        settings.campaign.handOverRun = handOverRun
        return settings
    }

    /// Plays all seeds and prints what came of them.
    func run() throws {
        let network = try DenseNetwork(
            try Safetensors(bytes: try Files.read(networkPath, limit: 1 << 28)))
        let text = String(decoding: try Files.read(targetPath, limit: 1 << 20), as: UTF8.self)
        let target = try TargetSpectrum.parse(text)
        var table: [[Double]] = []
        for offset in 0..<seeds {
            let settings = settings(seed: firstSeed &+ UInt64(offset))
            let loss = try Loss(target: target, settings: settings.loss)
            var campaign = PlayedCampaign(settings: settings, network: network, loss: loss)
            let played = try campaign.play(isVerbose: isVerbose)
            table.append(played.best)
            print(
                "{\"seed\":\(settings.campaign.seed),\"best\":\(Self.list(played.best)),"
                    + "\"decide_ms\":\(Self.list(played.milliseconds))}")
            fflush(nil)
        }
        for share in [0.25, 0.5, 0.75] {
            let row = (0..<runs).map { run in Self.quantile(table.map { $0[run] }, share) }
            print(
                "{\"method\":\"\(method.rawValue)\",\"quantile\":\(share),"
                    + "\"best\":\(Self.list(row))}")
        }
    }

    /// Linear between the two values next to the place.
    static func quantile(_ values: [Double], _ share: Double) -> Double {
        let sorted = values.sorted()
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }

    static func list(_ values: [Double]) -> String {
        "[" + values.map { "\(($0 * 1e4).rounded() / 1e4)" }.joined(separator: ",") + "]"
    }
}

/// One campaign against a network.
struct PlayedCampaign {
    let settings: Settings
    let network: DenseNetwork
    let loss: Loss
    /// Droplets of a condition.
    static let droplets = 12

    /// The noise-free best loss so far after each run, and the time each decision took.
    mutating func play(isVerbose: Bool) throws -> (best: [Double], milliseconds: [Double]) {
        let planner = try Planner(settings: settings, loss: loss)
        var campaign = Campaign(settings: settings)
        var noise = SeededGenerator(seed: settings.campaign.seed).split("droplets")
        var best: [Double] = []
        var milliseconds: [Double] = []
        var least = Double.infinity
        while let request = campaign.planRequest {
            let start = Self.now
            let decision = try planner.decide(request)
            milliseconds.append((Self.now - start) * 1e3)
            try campaign.adopt(decision)
            var truths: [Double] = []
            while let condition = campaign.nextCondition {
                let spectrum = network.predict(condition.recipe.map(Float.init))
                let truth = try loss.of(spectrum.map(Double.init))
                truths.append(truth)
                let made = try measure(spectrum, &noise)
                try campaign.conditionFinished(
                    number: condition.number, recipe: condition.recipe,
                    outcome: .complete(medianLoss: made.loss), spectrum: made.spectrum)
            }
            least = min(least, truths.min() ?? least)
            best.append(least)
            if isVerbose {
                print(
                    "  run \(request.run) \(decision.method.rawValue) \(CampaignBench.list(truths))"
                )
            }
        }
        return (best, milliseconds)
    }

    /// Median spectrum and loss of droplets that scatter like the published ones: amplitude with
    /// a relative standard deviation of 5 %, 43 % of its variance a drift along the droplets, a
    /// first-order autocorrelation of 0.25 in the rest.
    private func measure(
        _ spectrum: [Float], _ generator: inout SeededGenerator
    ) throws -> (loss: Double, spectrum: [Float]) {
        let halfPeriod = 32
        var index = generator.below(2 * halfPeriod)
        var rest = generator.normal()
        var droplets: [[Float]] = []
        var losses: [Double] = []
        for _ in 0..<Self.droplets {
            index = (index + 1) % (2 * halfPeriod)
            let way = Double(index) / Double(halfPeriod)
            let drift = 3.0.squareRoot() * (way <= 1 ? 2 * way - 1 : 3 - 2 * way)
            rest = 0.25 * rest + (1 - 0.25 * 0.25).squareRoot() * generator.normal()
            let sum = 0.43.squareRoot() * drift + 0.57.squareRoot() * rest
            let factor = Float(max(1 + 0.05 * sum, 0))
            let droplet = spectrum.map { $0 * factor }
            droplets.append(droplet)
            losses.append(try loss.of(droplet.map(Double.init)))
        }
        let middle = median(of: losses) ?? 1
        return (middle, SpectrumGathering.median(of: droplets))
    }

    /// Monotonic time, s.
    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
