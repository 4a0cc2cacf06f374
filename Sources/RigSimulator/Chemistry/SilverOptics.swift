import Glibc

/// The relative permittivity of silver and the light scattering of small silver spheroids in
/// water. Energies in eV, lengths in nanometres.
///
/// Silver: one Drude term for the conduction electrons and one Lorentz term for the bound ones,
///
///     ε(E) = 1 − P² / (E² + iΓE) + f E₀² / (E₀² − E² − iγE)
///
/// fitted by least squares to the values of Johnson and Christy, Phys. Rev. B 6, 4370 (1972),
/// between 1.51 and 3.37 eV (821 to 368 nm). Over that range the real part agrees within 2.6 %
/// of |ε| and the imaginary part within 0.2; outside it the formula means nothing.
enum SilverOptics {
    static let plasmaEnergy = 9.217
    static let damping = 0.0207
    static let boundStrength = 2.531
    static let boundEnergy = 6.0
    static let boundDamping = 0.494
    /// Photon energy times wavelength, eV nm (CODATA 2018).
    static let energyTimesWavelength = 1_239.841_98
    /// ħ times the Fermi velocity of silver, 1.39 nm/fs, in eV nm.
    static let surfaceDamping = 0.658_212 * 1.39

    /// Permittivity at photon energy `energy` for particles whose smallest dimension is
    /// `thickness`: electrons also lose their momentum at the surface, which adds ħ v_F / t to
    /// the damping (Kreibig, with A = 1). Infinite thickness gives the bulk.
    static func permittivity(energy: Double, thickness: Double) -> (real: Double, imag: Double) {
        let loss = damping + surfaceDamping / thickness
        let square = energy * energy
        let drude = plasmaEnergy * plasmaEnergy / (square + loss * loss)
        let gap = boundEnergy * boundEnergy - square
        let width = boundDamping * energy
        let bound = boundStrength * boundEnergy * boundEnergy / (gap * gap + width * width)
        return (1 - drude + bound * gap, drude * loss / energy + bound * width)
    }

    /// Refractive index of water at 20 °C (Daimon and Masumura, Appl. Opt. 46, 3811 (2007),
    /// four-term Sellmeier formula).
    static func waterIndex(wavelength: Double) -> Double {
        let square = wavelength * wavelength * 1e-6  // µm²
        let terms = [
            (0.568_402_756_5, 0.005_101_829_712), (0.172_617_739_1, 0.018_211_539_36),
            (0.020_861_895_78, 0.026_207_222_93), (0.113_074_868_8, 10.697_927_21),
        ]
        return terms.reduce(1) { $0 + $1.0 * square / (square - $1.1) }.squareRoot()
    }

    /// How strongly an oblate spheroid of diameter-to-thickness ratio `aspect` is depolarised
    /// along its short axis; along each long axis it is `(1 − this) / 2`
    /// (Bohren and Huffman 1983, section 5.3). A sphere has one third.
    static func shortAxisDepolarisation(aspect: Double) -> Double {
        guard aspect > 1.001 else { return 1.0 / 3 }
        let flatness = 1 - 1 / (aspect * aspect)
        let root = flatness.squareRoot()
        return (1 - (1 - flatness).squareRoot() / root * asin(root)) / flatness
    }
}

/// Extinction spectra of small silver spheroids in water on a fixed grid of wavelengths, in the
/// quasi-static (Gans) approximation: the particle is much smaller than the wavelength. Radiation
/// loss enters as dipole scattering only, so that a real prism of 50 nm or more is redder and
/// broader than this says; edges and tips of a prism are not seen at all.
struct SpheroidSpectra {
    private let wavelengths: [Double]
    private let energies: [Double]
    private let water: [Double]
    private let wavenumber: [Double]

    init(wavelengths: [Double]) {
        self.wavelengths = wavelengths
        energies = wavelengths.map { SilverOptics.energyTimesWavelength / max($0, 1) }
        let index = wavelengths.map { SilverOptics.waterIndex(wavelength: max($0, 200)) }
        water = index.map { $0 * $0 }
        wavenumber = zip(wavelengths, index).map { 2 * Double.pi * $1 / max($0, 1) }
    }

    /// Whether this grid is the one asked for.
    func covers(_ asked: [Double]) -> Bool { asked == wavelengths }

    /// Adds `weight` times the extinction cross-section per particle volume (nm⁻¹), averaged over
    /// orientations, of spheroids of `thickness` and log-normally spread `aspect`.
    func add(
        _ weight: Double, aspect: Double, spread: Double, thickness: Double,
        to sum: inout [Double]
    ) {
        let nodes = spread > 0 ? Self.nodes : [(0.0, 1.0)]
        let metal = energies.map { SilverOptics.permittivity(energy: $0, thickness: thickness) }
        for (offset, share) in nodes {
            let ratio = max(1, aspect * exp(spread * offset))
            let short = SilverOptics.shortAxisDepolarisation(aspect: ratio)
            let volume = Double.pi / 6 * ratio * ratio * thickness * thickness * thickness
            for (depolarisation, axes) in [(short, 1.0 / 3), ((1 - short) / 2, 2.0 / 3)] {
                add(
                    weight * share * axes, metal: metal, depolarisation: depolarisation,
                    volume: volume, to: &sum)
            }
        }
    }

    private func add(
        _ weight: Double, metal: [(real: Double, imag: Double)], depolarisation: Double,
        volume: Double, to sum: inout [Double]
    ) {
        for index in sum.indices {
            let real = metal[index].real - water[index]
            let imag = metal[index].imag
            let below = water[index] + depolarisation * real
            let belowImag = depolarisation * imag
            let size = below * below + belowImag * belowImag
            let wave = wavenumber[index]
            // Im(a/b) and |a/b|² of the polarisability per volume a/b.
            let absorbed = wave * (imag * below - real * belowImag) / size
            let scattered =
                wave * wave * wave * wave * volume * (real * real + imag * imag)
                / (size * 6 * Double.pi)
            sum[index] += weight * (absorbed + scattered)
        }
    }

    /// Thirteen equidistant points of a normal distribution and their shares: closer together
    /// than the width of one resonance for every spread the kinetics gives.
    private static let nodes: [(Double, Double)] = {
        let offsets = (0..<13).map { -2.5 + 5.0 / 12 * Double($0) }
        let heights = offsets.map { exp(-$0 * $0 / 2) }
        let total = heights.reduce(0, +)
        return zip(offsets, heights).map { ($0, $1 / total) }
    }()
}
