import Configuration
import Numerics
import Quantities
import Surrogates
import Testing

@testable import RigSimulator

@Suite struct ChemistryTests {
    /// Johnson and Christy, Phys. Rev. B 6, 4370 (1972): photon energy, n, k of silver.
    private static let silver: [(Double, Double, Double)] = [
        (1.64, 0.03, 5.242), (1.88, 0.05, 4.483), (2.01, 0.06, 4.152), (2.26, 0.06, 3.586),
        (2.50, 0.05, 3.093), (2.75, 0.04, 2.657), (3.00, 0.05, 2.275), (3.25, 0.05, 1.864),
    ]

    @Test(arguments: silver)
    func silverIsSilver(_ energy: Double, _ n: Double, _ k: Double) {
        let found = SilverOptics.permittivity(energy: energy, thickness: .infinity)
        let real = n * n - k * k
        #expect(abs(found.real - real) < 0.026 * abs(real))
        #expect(abs(found.imag - 2 * n * k) < 0.2)
    }

    @Test func waterIsWater() {
        // Handbook values against air at 20 °C: the H F and H C lines and sodium D. Against
        // vacuum they are 0.0003 higher.
        for (wavelength, index) in [(486.1, 1.3371), (589.3, 1.3330), (656.3, 1.3312)] {
            #expect(abs(SilverOptics.waterIndex(wavelength: wavelength) - index) < 0.0006)
        }
    }

    @Test func depolarisationHasItsLimits() {
        #expect(abs(SilverOptics.shortAxisDepolarisation(aspect: 1) - 1.0 / 3) < 1e-12)
        #expect(SilverOptics.shortAxisDepolarisation(aspect: 1_000) > 0.998)
        // Osborn 1945: an oblate spheroid of axes 2:2:1 has 0.5272.
        #expect(abs(SilverOptics.shortAxisDepolarisation(aspect: 2) - 0.5272) < 1e-4)
    }

    @Test func spheresAbsorbNearFourHundredAndTheTargetNearSixForty() {
        let grid = (340...800).map(Double.init)
        var sum = [Double](repeating: 0, count: grid.count)
        SpheroidSpectra(wavelengths: grid).add(
            1, aspect: 1, spread: 0, thickness: 10, to: &sum)
        let top = sum.indices.max { sum[$0] < sum[$1] } ?? 0
        // Small silver spheres in water are yellow: 385 to 400 nm.
        #expect((380.0...400).contains(grid[top]))
        let target = PrismChemistry.targetSpectrum
        let peak = target.max { $0.value < $1.value }
        #expect(target.count == 421 && peak?.value == 1)
        #expect(abs((peak?.wavelength.nanometers ?? 0) - 640) < 8)
    }

    @Test func namesHaveRoles() {
        let names: [(String, PrismChemistry.Role?)] = [
            ("AgNO3", .silver), ("silver_nitrate", .silver), ("Ag", .silver), ("reagent", nil),
            ("PVA", .polymer), ("polymer", .polymer), ("TSC", .citrate),
            ("trisodium citrate", .citrate), ("seed", .seed), ("Ag seeds", .seed), ("dye", nil),
        ]
        for (name, role) in names { #expect(PrismChemistry.Role.of(name) == role, "\(name)") }
    }

    /// The loss of MISSION 1 against the built-in target.
    private func loss(_ recipe: [Double], _ chemistry: PrismChemistry) -> (Double, Double) {
        let spectrum = chemistry.absorbance(
            shares: Array(recipe[0..<4]), totalFlow: FlowRate(microlitersPerMinute: recipe[4]),
            residence: .seconds(3_600 / recipe[4]),
            wavelengths: PrismChemistry.targetSpectrum.map(\.wavelength))
        func scaled(_ values: [Double]) -> [Double] {
            let (low, high) = (values.min() ?? 0, values.max() ?? 1)
            return values.map { ($0 - low) / max(high - low, 1e-12) }
        }
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map(*).reduce(0, +) }
        let (s, t) = (scaled(spectrum), scaled(PrismChemistry.targetSpectrum.map(\.value)))
        let top = spectrum.max() ?? 0
        let gate = top > 1.2 ? 0 : min(max(top, 0) / 0.7, 1)
        return (1 - gate * dot(s, t) / max((dot(s, s) * dot(t, t)).squareRoot(), 1e-12), top)
    }

    /// What a campaign has to find: most recipes are poor, good ones exist inside both boxes.
    @Test func thereIsSomethingToFind() {
        let chemistry = PrismChemistry(reagents: ["AgNO3", "PVA", "TSC", "seed"])
        var generator = SeededGenerator(seed: 9)
        let late: [(Double, Double)] = [(0.5, 80), (10, 40), (0.5, 80), (0.5, 80), (100, 1_000)]
        let early: [(Double, Double)] = [(4, 20), (10, 40), (4, 20), (4, 20), (200, 1_000)]
        for (name, box) in [("late", late), ("early", early)] {
            var losses: [Double] = []
            var best = (loss: 2.0, recipe: [Double]())
            while losses.count < 150 {
                let recipe = box.map { generator.uniform($0.0, $0.1) }
                guard recipe[0..<4].reduce(0, +) <= 90 else { continue }
                let value = loss(recipe, chemistry).0
                losses.append(value)
                if value < best.loss { best = (value, recipe) }
            }
            losses.sort()
            // Walk downhill with shrinking random steps.
            for trial in 0..<250 {
                let scale = 0.15 * (1 - Double(trial) / 250) + 0.005
                let next = best.recipe.indices.map { index in
                    let span = box[index].1 - box[index].0
                    let value = best.recipe[index] + span * scale * generator.normal()
                    return min(max(value, box[index].0), box[index].1)
                }
                guard next[0..<4].reduce(0, +) <= 90 else { continue }
                let value = loss(next, chemistry).0
                if value < best.loss { best = (value, next) }
            }
            let top = loss(best.recipe, chemistry).1
            // In the late box most droplets are too dark or too faint to count at all.
            #expect(losses[75] > 0.3 && (name == "late" || losses[75] < 0.9), "\(losses[75])")
            #expect(losses[7] > 0.1, "too easy")
            #expect(best.loss < 0.05, "\(name)")
            #expect((0.65...1.2).contains(top))
        }
    }

    @Test func networkOutputsAreInterpolatedAndClamped() throws {
        let layer = DenseNetwork.Layer(
            inputs: 2, outputs: 3, kernel: [1, 2, 3, 0, 0, 0.001], bias: [0, 0, 0])
        let chemistry = try NetworkChemistry(network: DenseNetwork(layers: [layer]), reagents: 1)
        let found = chemistry.absorbance(
            shares: [10], totalFlow: FlowRate(microlitersPerMinute: 1_000), residence: .zero,
            wavelengths: [300, 380, 485, 590, 800, 900].map { Wavelength(nanometers: $0) })
        // At 380, 590 and 800 nm: 10, 20, 31; 485 nm is half way.
        for (value, wanted) in zip(found, [10.0, 10, 15, 20, 31, 31]) {
            #expect(abs(value - wanted) < 1e-4)
        }
        #expect(throws: ChemistryError.wrongInputs(expected: 5, found: 2)) {
            try NetworkChemistry(network: DenseNetwork(layers: [layer]), reagents: 4)
        }
    }

    @Test func configurationChoosesTheChemistry() throws {
        var settings = Settings()
        #expect(try Chemistries.make(settings: settings) { _ in nil } is PrismChemistry)
        settings.simulation.chemistryPath = "net"
        #expect(throws: ChemistryError.unreadable(path: "net")) {
            try Chemistries.make(settings: settings) { _ in nil }
        }
        #expect(
            throws: ChemistryError.badFile(path: "net", .truncated(needed: 8, present: 0))
        ) { try Chemistries.make(settings: settings) { _ in [] } }
    }
}
