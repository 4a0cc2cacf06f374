import Configuration
import Numerics
import Quantities

/// Rigs for storms: two interlock lines, four sensors, and reactions drawn at random, each of
/// them one that a configuration may have.
enum StormSettings {
    static func make(_ random: inout SeededGenerator) -> Settings {
        var settings = Settings()
        settings.pumps = StormRig.names.map { name in
            var pump = PumpSettings(name: name)
            // Nothing runs dry in a storm.
            pump.syringeVolume = Volume(microliters: 1e6)
            return pump
        }
        settings.variables = [
            VariableSettings(
                name: "Q_silver", kind: .reagentPercent(pump: "silver"), low: 5, high: 50,
                lowLimit: 5, highLimit: 80),
            VariableSettings(
                name: "Q_tot", kind: .totalFlow, low: 200, high: 1_000, lowLimit: 100,
                highLimit: 1_000),
        ]
        settings.loss.step = Wavelength(nanometers: 10)
        settings.spectrometer.pixelStep = 1
        settings.spectrometer.pixelCount = 61
        settings.rig.deadVolume = Volume(microliters: 2)
        settings.rig.settleResidences = 1
        settings.rig.primeVolume = Volume(microliters: 4)
        settings.rig.lampWarmUp = .zero
        settings.rig.darkScans = 2
        settings.rig.referenceDroplets = 2
        settings.rig.droplets = 3
        settings.rig.minimumDroplets = 1
        settings.rig.obeyLimit = .seconds(2)
        settings.interlocks = ["door", "leak"].map { InterlockSettings(name: $0) }
        settings.interlocks[1].latching = random.below(2) == 0
        settings.sensors = [
            ("oven", SensorSettings.Quantity.temperature), ("inlet", .pressure), ("tray", .voltage),
            ("line", .flow),
        ].map { name, quantity in
            var sensor = SensorSettings(name: name)
            sensor.chip = .ads1115
            sensor.quantity = quantity
            return sensor
        }
        settings.reactions = reactions(&random)
        return settings
    }

    private static func reactions(_ random: inout SeededGenerator) -> [ReactionSettings] {
        var rows: [ReactionSettings] = []
        for hazard in Hazard.allCases where !hazard.isLimit && hazard.subject != .flowSensor {
            // Half of them as they are built in.
            if random.below(2) == 0 { rows.append(row(hazard, "", &random)) }
        }
        rows.append(limit(.temperature, "oven", 60, .temperature, &random))
        rows.append(limit(.outOfRange, "inlet", 300, .pressure, &random))
        rows.append(limit(.leak, "tray", 1, .voltage, &random))
        rows.append(flow(.flowDeviation, &random))
        rows.append(flow(.noFlow, &random))
        return rows
    }

    private static func row(
        _ hazard: Hazard, _ subject: String, _ random: inout SeededGenerator
    ) -> ReactionSettings {
        var row = ReactionSettings(hazard, of: subject)
        var reactions = [Reactions.hold, .rampDown, .stopAll][random.below(3)]
        if random.below(2) == 0 { reactions.insert(.lampOff) }
        if random.below(2) == 0 { reactions.insert(.valvesSafe) }
        row.reactions = reactions
        row.rampTime = .milliseconds(Int64(500 + random.below(4_000)))
        if hazard.hasDelay, random.below(2) == 0 {
            row.delay = .milliseconds(Int64(random.below(2_000)))
        }
        if !hazard.mustLatch, random.below(2) == 0 {
            row.release = .automatic
            row.releaseAfter = .milliseconds(Int64(random.below(3_000)))
        }
        return row
    }

    private static func flow(
        _ hazard: Hazard, _ random: inout SeededGenerator
    ) -> ReactionSettings {
        var row = row(hazard, "line", &random)
        row.settle = .milliseconds(Int64(200 + random.below(1_500)))
        row.filter = .milliseconds(Int64(random.below(300)))
        return row
    }

    private static func limit(
        _ hazard: Hazard, _ sensor: String, _ above: Double, _ measure: Measure,
        _ random: inout SeededGenerator
    ) -> ReactionSettings {
        var row = row(hazard, sensor, &random)
        row.above = ReactionSettings.Limit(above, measure)
        return row
    }
}
