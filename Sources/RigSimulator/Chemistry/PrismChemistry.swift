import Configuration
import Glibc
import Quantities

/// The built-in chemistry: silver platelets grown on seeds, seen as oblate silver spheroids.
///
/// A balance of mass with a few rules of thumb, chosen so that each reagent does what chemists
/// see it do; it predicts nothing about a real bottle.
/// - Silver ions are reduced at a first-order rate, so short residence leaves silver unused.
/// - What is reduced goes onto the seeds. More silver per seed means wider platelets, which
///   absorb further in the red.
/// - Citrate holds the flat faces back: too little per silver gives thicker, uneven platelets and
///   new round particles; too much slows the reduction.
/// - Silver beyond what the seeds take up makes new spheres, which absorb near 400 nm.
/// - Polymer keeps particles apart; too little gives uneven ones, too much makes the droplet mix
///   slowly. Slow flow mixes badly too.
///
/// Limits: quasi-static optics (`SpheroidSpectra`), no clumping, one path length.
public final class PrismChemistry: Chemistry {
    /// What a reagent does.
    public enum Role: CaseIterable, Sendable {
        /// Silver ions; 4.5 mmol/L in the syringe.
        case silver
        /// A polymer that keeps particles apart.
        case polymer
        /// Citrate; 8 mmol/L in the syringe.
        case citrate
        /// Seeds; 9 nmol/L of particles in the syringe.
        case seed

        /// The share that is assumed where a configuration has no such reagent, percent of the
        /// aqueous flow: near the middle of what works.
        public var defaultShare: Double {
            switch self {
            case .silver: 15
            case .polymer: 20
            case .citrate: 20
            case .seed: 15
            }
        }

        /// The role of a reagent called `name`, or nil for something inert. Case does not
        /// matter. A name with "seed" is seeds; with "tsc" or "citrate" citrate; with "pva",
        /// "pvp" or "polymer" polymer; with "silver" or "agno", or with "ag" as a word of its
        /// own, silver; in this order.
        public static func of(_ name: String) -> Role? {
            let text = name.lowercased()
            func has(_ part: String) -> Bool { contains(text, part) }
            if has("seed") { return .seed }
            if has("tsc") || has("citrate") { return .citrate }
            if has("pva") || has("pvp") || has("polymer") { return .polymer }
            let words = text.split { !$0.isLetter && !$0.isNumber }
            if has("silver") || has("agno") || words.contains("ag") { return .silver }
            return nil
        }

        private static func contains(_ text: String, _ part: String) -> Bool {
            let text = Array(text.utf8)
            let part = Array(part.utf8)
            guard text.count >= part.count else { return false }
            return (0...(text.count - part.count)).contains { start in
                text[start..<start + part.count].elementsEqual(part)
            }
        }
    }

    private let roles: [Role?]
    private var spectra = SpheroidSpectra(wavelengths: [])

    /// A chemistry for reagents of these names, in the order of the shares it will be asked for.
    public init(reagents: [String]) { roles = reagents.map { Role.of($0) } }

    /// Absorbance of the particles a droplet of this recipe holds after `residence`.
    public func absorbance(
        shares: [Double], totalFlow: FlowRate, residence: TimeSpan, wavelengths: [Wavelength]
    ) -> [Double] {
        let grid = wavelengths.map(\.nanometers)
        if !spectra.covers(grid) { spectra = SpheroidSpectra(wavelengths: grid) }
        var sum = [Double](repeating: 0, count: grid.count)
        let product = Product(
            silver: share(of: .silver, in: shares), polymer: share(of: .polymer, in: shares),
            citrate: share(of: .citrate, in: shares), seed: share(of: .seed, in: shares),
            flow: totalFlow.microlitersPerMinute, residence: residence.seconds)
        let scale = Self.path / log(10)
        spectra.add(
            product.plateletVolume * scale, aspect: product.aspect, spread: product.spread,
            thickness: product.thickness, to: &sum)
        spectra.add(
            product.sphereVolume * scale, aspect: 1, spread: 0, thickness: Self.sphereDiameter,
            to: &sum)
        return sum
    }

    /// A platelet of this aspect ratio, thickness (nm) and log spread is the target.
    static let targetAspect = 7.8
    static let targetThickness = 6.0
    static let targetSpread = 0.05
    /// Light path through a droplet, nm.
    static let path = 6e5
    /// Diameter of spheres that form on their own, nm.
    static let sphereDiameter = 10.0

    /// The wanted spectrum: even platelets that absorb most near 640 nm, from 380 to 800 nm in
    /// steps of 1 nm, largest value 1.
    public static let targetSpectrum: [(wavelength: Wavelength, value: Double)] = {
        let grid = (380...800).map(Double.init)
        var sum = [Double](repeating: 0, count: grid.count)
        SpheroidSpectra(wavelengths: grid).add(
            1, aspect: targetAspect, spread: targetSpread, thickness: targetThickness, to: &sum)
        let largest = sum.max() ?? 1
        return zip(grid, sum).map { (Wavelength(nanometers: $0), $1 / largest) }
    }()

    private func share(of role: Role, in shares: [Double]) -> Double {
        guard roles.contains(role) else { return role.defaultShare }
        var sum = 0.0
        for (index, candidate) in roles.enumerated()
        where candidate == role && index < shares.count && shares[index].isFinite {
            sum += shares[index]
        }
        return min(max(sum, 0), 100)
    }
}

/// What a droplet holds when it reaches the detector.
struct Product {
    /// Volume of platelets and of spheres per volume of droplet.
    var plateletVolume: Double
    var sphereVolume: Double
    /// Platelets: diameter over thickness, its logarithmic spread, thickness in nm.
    var aspect: Double
    var spread: Double
    var thickness: Double

    /// Volume of one mole of silver, nm³ (10.27 cm³).
    static let molarVolume = 10.27e21
    static let avogadro = 6.022_140_76e23
    /// Cubic nanometres in a litre.
    static let liter = 1e24
    /// Volume of one seed, nm³: 5 nm in diameter.
    static let seedVolume = 65.0
    /// Without citrate the reduction takes this long, s.
    static let reductionTime = 5.0

    /// Shares in percent of the aqueous flow, flow in µL/min, residence in s.
    init(
        silver: Double, polymer: Double, citrate: Double, seed: Double, flow: Double,
        residence: Double
    ) {
        let ions = max(silver / 100 * 4.5, 1e-6)  // mmol/L
        let seeds = max(seed / 100 * 9, 1e-4)  // nmol/L
        let perSilver = citrate / 100 * 8 / ions
        let held = perSilver * perSilver / (perSilver * perSilver + 0.8 * 0.8)
        let slowed = 1 + (perSilver / 8) * (perSilver / 8)
        let reduced = ions * (1 - exp(-max(residence, 0) / (Self.reductionTime * slowed)))

        let strain = (ions / seeds) / 0.9
        let overflow = 1 - 1 / (1 + strain * strain * strain * strain)
        let round = min(overflow + 0.25 * exp(-polymer / 8) + 0.3 * (1 - held), 0.95)

        let number = seeds * 1e-9 * Self.avogadro / Self.liter
        let deposited = reduced * 1e-3 * Self.molarVolume / Self.liter
        let volume = deposited * (1 - round) / number + Self.seedVolume
        thickness = 5 + 4 * (1 - held)
        aspect = max(1, (6 * volume / (Double.pi * thickness)).squareRoot() / thickness)
        plateletVolume = volume * number
        sphereVolume = deposited * round

        let slowMixing = 0.05 * (400 / max(flow, 50)) * (1 + (polymer / 30) * (polymer / 30))
        let uneven = 0.25 * (1 - held)
        let bare = 0.15 * exp(-polymer / 10)
        spread = min(
            (0.05 * 0.05 + slowMixing * slowMixing + uneven * uneven + bare * bare).squareRoot(),
            0.6)
    }
}
