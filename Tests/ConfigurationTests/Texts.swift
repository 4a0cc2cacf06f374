import Glibc
import Quantities
import Testing

@testable import Configuration

/// Configurations to test with.
enum Texts {
    /// The least that passes without a word: three pumps, one reagent.
    static let small = """
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

        """

    static var settings: Settings {
        get throws {
            try SettingsReader.read(text: small, file: "small.toml").result.get()
        }
    }

    /// The text of the file at `path`; nil where there is none.
    static func file(_ path: String) -> String? {
        guard let stream = fopen(path, "r") else { return nil }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: 100_000)
        let count = fread(&bytes, 1, bytes.count, stream)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    static func problems(_ text: String) -> [String] {
        SettingsReader.read(text: text, file: "f").problems.map(\.description)
    }
}
