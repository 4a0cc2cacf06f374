import Configuration
import RunLog
import World

/// The last configuration under which a rig came to work: kept whole in the state directory, for
/// a start that finds the present one broken.
///
/// A text of four comment lines and the settings as TOML, all drop-ins merged. The second line is
/// the hash of everything below it; the third and the fourth say for which state directory and
/// which configuration it was kept, so that a copy in another place is not run by accident.
public enum LastGood {
    /// Where it lies, and for whom.
    public struct Place: Equatable, Sendable {
        /// The state directory, as an absolute path.
        public var directory: String
        /// The configuration it stands in for, as an absolute path.
        public var configuration: String

        /// A place.
        public init(directory: String, configuration: String) {
            self.directory = directory
            self.configuration = configuration
        }

        /// The file.
        public var path: String { directory + "/" + LastGood.fileName }
    }

    /// Name of the file in the state directory.
    public static let fileName = "last-good.toml"
    /// Largest file, bytes: two hundred pumps with every key written.
    public static let sizeLimit = 1 << 20
    /// Of the service's own group, for `argent diff`; nobody else's business.
    static let mode: UInt32 = 0o640
    private static let heading = "# argent last-good configuration 1"
    private static let hashMark = "# sha256: "
    private static let directoryMark = "# state: "
    private static let configurationMark = "# configuration: "

    /// `settings` as they are kept at `place`.
    public static func text(_ settings: Settings, for place: Place) -> String {
        let body =
            directoryMark + place.directory + "\n" + configurationMark + place.configuration + "\n"
            + SettingsWriter.text(settings, comments: false)
        return heading + "\n" + hashMark + Digest.sha256(body) + "\n" + body
    }

    /// What is kept at `place`, as TOML.
    public static func read(_ place: Place) throws(LastGoodError) -> String {
        guard Files.exists(place.path) else { throw .absent(path: place.path) }
        let bytes: [UInt8]
        do throws(WorldError) { bytes = try Files.read(place.path, limit: sizeLimit) } catch {
            throw .unreadable(error)
        }
        return try body(bytes, of: place)
    }

    /// The settings' text in `bytes`, which came from `place` and may be anything.
    public static func body(_ bytes: [UInt8], of place: Place) throws(LastGoodError) -> String {
        guard bytes.count <= sizeLimit, let text = String(validating: bytes, as: UTF8.self) else {
            throw .damaged(path: place.path)
        }
        let lines = text.utf8.split(
            separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false
        ).map { String(Substring($0)) }
        guard lines.count == 3, lines[0] == heading, lines[1].hasPrefix(hashMark),
            lines[1].dropFirst(hashMark.count) == Digest.sha256(lines[2])
        else { throw .damaged(path: place.path) }
        let rest = lines[2].utf8.split(
            separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false
        ).map { String(Substring($0)) }
        guard rest.count == 3, rest[0].hasPrefix(directoryMark),
            rest[1].hasPrefix(configurationMark)
        else { throw .damaged(path: place.path) }
        let directory = String(rest[0].dropFirst(directoryMark.count))
        guard directory == place.directory else {
            throw .foreign(
                path: place.path, what: "state directory", of: directory, here: place.directory)
        }
        let configuration = String(rest[1].dropFirst(configurationMark.count))
        guard configuration == place.configuration else {
            throw .foreign(
                path: place.path, what: "configuration", of: configuration,
                here: place.configuration)
        }
        return rest[2]
    }
}

/// Why there is no last good configuration to go by.
public enum LastGoodError: Error, Equatable, Sendable, CustomStringConvertible {
    /// None was ever kept.
    case absent(path: String)
    /// The file cannot be read.
    case unreadable(WorldError)
    /// It is not what was written.
    case damaged(path: String)
    /// It was kept for something else.
    case foreign(path: String, what: String, of: String, here: String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .absent(let path):
            "no last good configuration was kept yet (\(path)); mend the configuration"
        case .unreadable(let error): "the last good configuration cannot be read: \(error)"
        case .damaged(let path):
            "\(path) is damaged and not used; mend the configuration, the next start that works "
                + "writes it anew"
        case .foreign(let path, let what, let of, let here):
            "\(path) was kept for the \(what) \(of), this is \(here): not used; mend the "
                + "configuration"
        }
    }
}
