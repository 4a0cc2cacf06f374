/// A place in a configuration file. Line and column count from 1; columns count code points.
public struct Place: Hashable, Sendable, CustomStringConvertible {
    /// The file's name, as it was given.
    public var file: String
    /// The line.
    public var line: Int
    /// The column.
    public var column: Int

    /// A place.
    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `file:line:column`.
    public var description: String { "\(file):\(line):\(column)" }
}

/// Something wrong, or doubtful, in a configuration.
public struct ConfigurationProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// How bad it is.
    public enum Severity: String, Sendable {
        /// The configuration cannot be used.
        case error
        /// It can, but probably does not say what was meant.
        case warning
    }
    /// How bad it is.
    public var severity: Severity
    /// Where it is.
    public var place: Place
    /// What is wrong.
    public var message: String
    /// What to write instead; empty when the message says it all.
    public var hint: String

    /// A problem.
    public init(severity: Severity, place: Place, message: String, hint: String = "") {
        self.severity = severity
        self.place = place
        self.message = message
        self.hint = hint
    }

    /// `file:line:column: error: message; hint`.
    public var description: String {
        "\(place): \(severity.rawValue): \(message)" + (hint.isEmpty ? "" : "; \(hint)")
    }
}

/// A text and the name of the file it came from.
public struct ConfigurationSource: Equatable, Sendable {
    /// Name for messages.
    public var file: String
    /// The whole text.
    public var text: String

    /// A source.
    public init(file: String, text: String) {
        self.file = file
        self.text = text
    }
}

/// Where each setting was written, by path: `pump[2].baud`.
public struct SettingsPlaces: Equatable, Sendable {
    private var places: [String: Place] = [:]
    private let whole: Place

    /// No places yet; what has none is said to be at the start of `file`.
    public init(file: String = "argent.toml") { whole = Place(file: file, line: 1, column: 1) }

    mutating func note(_ path: String, _ place: Place) { places[path] = place }

    /// Whether `path` itself was written.
    func has(_ path: String) -> Bool { places[path] != nil }

    /// The place of `path`, or of what it is part of.
    public func place(_ path: String) -> Place {
        var path = Substring(path)
        while true {
            if let place = places[String(path)] { return place }
            guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return whole }
            path = path[..<cut]
        }
    }
}

/// Gathers problems, up to a limit.
struct ProblemList {
    /// Problems kept at most; the rest is counted.
    static let limit = 50

    private(set) var problems: [ConfigurationProblem] = []
    private var errors = 0
    private var dropped = 0

    var hasErrors: Bool { errors > 0 }

    mutating func add(_ problem: ConfigurationProblem) {
        if problem.severity == .error { errors += 1 }
        if problems.count < Self.limit { problems.append(problem) } else { dropped += 1 }
    }

    mutating func error(_ place: Place, _ message: String, _ hint: String = "") {
        add(ConfigurationProblem(severity: .error, place: place, message: message, hint: hint))
    }

    mutating func warning(_ place: Place, _ message: String, _ hint: String = "") {
        add(ConfigurationProblem(severity: .warning, place: place, message: message, hint: hint))
    }

    /// The problems by file (in the order of `files`), line and column; what was left out is
    /// said at the end.
    func sorted(files: [String]) -> [ConfigurationProblem] {
        func rank(_ problem: ConfigurationProblem) -> (Int, Int, Int) {
            let file = files.firstIndex(of: problem.place.file) ?? files.count
            return (file, problem.place.line, problem.place.column)
        }
        var sorted = problems.enumerated().sorted {
            let (a, b) = (rank($0.element), rank($1.element))
            return a == b ? $0.offset < $1.offset : a < b
        }.map(\.element)
        if dropped > 0, let last = sorted.last {
            sorted.append(
                ConfigurationProblem(
                    severity: hasErrors ? .error : .warning, place: last.place,
                    message: "\(dropped) more problems", hint: "mend these first"))
        }
        return sorted
    }
}
