import Configuration
import Quantities

/// The rig of `argent demo` and `argent simulate`: six syringe pumps and a spectrometer, with
/// the recipe variables and bounds of Mekki-Berrada et al., npj Comput Mater 7, 55 (2021).
enum DemoSettings {
    /// Which language the simulated pumps speak.
    enum Protocols: String, CaseIterable {
        case newEra = "new-era"
        case harvard
        case mixed
    }

    /// The rig, with every instrument at `path(name)`.
    static func make(
        protocols: Protocols = .mixed, path: (String) -> String
    ) -> Settings {
        var settings = Settings()
        settings.campaign.name = "silver prisms"
        settings.campaign.targetPath = "target.csv"
        // Out of reach of droplet scatter and detector noise: a demonstration shows all its runs.
        settings.campaign.lossThreshold = 0.001
        settings.variables = [
            reagent("Q_AgNO3", "AgNO3", 4, 20, limits: 0.5, 80),
            reagent("Q_PVA", "PVA", 10, 40, limits: 10, 40),
            reagent("Q_TSC", "TSC", 4, 20, limits: 0.5, 80),
            reagent("Q_seed", "seeds", 4, 20, limits: 0.5, 80),
            VariableSettings(
                name: "Q_tot", kind: .totalFlow, low: 200, high: 1_000, lowLimit: 100,
                highLimit: 1_000),
        ]
        let names = ["AgNO3", "PVA", "TSC", "seeds", "solvent", "oil"]
        settings.pumps = names.enumerated().map { index, name in
            var pump = PumpSettings(name: name)
            // Solvent and oil run all the time: they get the large syringes.
            let large = name == "solvent" || name == "oil"
            pump.syringeDiameter = Length(millimeters: large ? 26.594 : 14.427)
            pump.syringeVolume = Volume(microliters: large ? 60_000 : 10_000)
            pump.port = path(name)
            let harvard = protocols == .harvard || (protocols == .mixed && large)
            pump.dialect = harvard ? .harvard : .newEra
            pump.baud = harvard ? 115_200 : 19_200
            return pump
        }
        settings.spectrometer.port = path("spectrometer")
        // Every sixth pixel, uncompressed (shot noise makes differences too large to compress):
        // 20 scans a second, so that the fastest droplet is seen seven times.
        settings.spectrometer.integration = .milliseconds(10)
        settings.spectrometer.pixelStep = 6
        settings.spectrometer.compression = false
        settings.simulation.dropletVolume = Volume(microliters: 6)
        return settings
    }

    /// Small dead volume, few droplets, fast flow, short waits: seconds of real time for a
    /// condition instead of minutes. The droplets spend less time in the tube, so that the
    /// chemistry gets less far: losses are higher than those of `argent demo`.
    static func hurry(_ settings: inout Settings) {
        settings.rig.deadVolume = Volume(microliters: 10)
        settings.rig.settleResidences = 3
        settings.rig.primeVolume = Volume(microliters: 20)
        settings.rig.primeFlow = FlowRate(microlitersPerMinute: 800)
        settings.rig.lampWarmUp = .seconds(3)
        settings.rig.darkScans = 8
        settings.rig.referenceDroplets = 3
        settings.rig.droplets = 4
        for index in settings.variables.indices
        where settings.variables[index].kind == .totalFlow {
            settings.variables[index].low = 700
            settings.variables[index].lowLimit = 600
        }
    }

    private static func reagent(
        _ name: String, _ pump: String, _ low: Double, _ high: Double, limits lowLimit: Double,
        _ highLimit: Double
    ) -> VariableSettings {
        VariableSettings(
            name: name, kind: .reagentPercent(pump: pump), low: low, high: high,
            lowLimit: lowLimit, highLimit: highLimit)
    }
}
