import Agent
import Configuration
import Numerics
import RunLog

/// What a start reads that finds its configuration broken.
var configurationFuzzers: [Fuzzer] {
    [Fuzzer(name: "configuration/last-good", make: ConfigurationFuzz.lastGood)]
}

private enum ConfigurationFuzz {
    static let place = LastGood.Place(directory: "/state", configuration: "/etc/rig.toml")

    /// A small rig.
    static let text = """
        [[variable]]
        name = "Q_seed"
        kind = "reagent"
        pump = "seeds"
        bounds = ["4 %", "20 %"]
        [[variable]]
        name = "Q_tot"
        kind = "total flow"
        bounds = ["200 uL/min", "1000 uL/min"]
        [[pump]]
        name = "seeds"
        port = "/dev/a"
        [[pump]]
        name = "solvent"
        port = "/dev/a"
        address = 1
        [[pump]]
        name = "oil"
        port = "/dev/a"
        address = 2
        [spectrometer]
        port = "/dev/s"
        [[interlock]]
        name = "lid"
        chip_label = "gpiochip0"
        line = "17"
        [[reaction]]
        when = "interlock"
        of = "lid"
        do = ["stop-all"]

        """

    /// Kept configurations, changed anywhere; in half of the inputs the hash is put right, so that
    /// what lies behind it is reached.
    @Sendable static func lastGood() throws -> Fuzzer.Trial {
        let settings = try SettingsReader.read(text: text, file: "f").result.get()
        let whole = Array(LastGood.text(settings, for: place).utf8)
        return Fuzzer.Trial(
            input: { random in
                var bytes = Mutation.mutated([whole], &random)
                if random.below(2) == 0 { mend(&bytes) }
                return bytes
            },
            run: { bytes, _ in try read(bytes, settings) })
    }

    /// Writes the hash of what is below the second line into it.
    private static func mend(_ bytes: inout [UInt8]) {
        let lines = bytes.split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false)
        guard lines.count == 3 else { return }
        let hash = Digest.sha256(String(decoding: lines[2], as: UTF8.self))
        bytes = lines[0] + [0x0A] + Array("# sha256: \(hash)\n".utf8) + lines[2]
    }

    /// What is accepted reads back as itself, and differs from another exactly when it does.
    private static func read(_ bytes: [UInt8], _ other: Settings) throws -> FuzzOutcome {
        guard let body = try? LastGood.body(bytes, of: place) else { return .refused }
        guard let settings = SettingsReader.read(text: body, file: "f").settings else {
            return .refused
        }
        let again = try? LastGood.body(Array(LastGood.text(settings, for: place).utf8), of: place)
        guard let again, SettingsReader.read(text: again, file: "f").settings == settings else {
            throw FuzzFailure("what was kept does not come back")
        }
        let changes = SettingsChange.between(other, and: settings)
        guard changes.isEmpty == (other == settings) else {
            throw FuzzFailure("\(changes.count) changes between what is not different")
        }
        return .accepted
    }
}
