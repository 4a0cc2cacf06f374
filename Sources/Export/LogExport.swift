import Quantities
import RunLog
import World

/// What an export writes into its folder.
public struct ExportChoice: Equatable, Sendable {
    /// `conditions.csv` and `droplets.csv`.
    public var tables = false
    /// With the tables: every droplet's absorbance, as columns.
    public var spectraInTables = false
    /// `spectra/condition-0001/droplet-0001.jdx`…
    public var jcamp = false
    /// `records.jsonl`, one object a line, spectra included.
    public var json = false

    /// Nothing yet.
    public init() {}
}

/// What an export wrote and what it met.
public struct ExportReport: Equatable, Sendable {
    /// Rows of `conditions.csv`.
    public var conditions = 0
    /// Droplets in the log.
    public var droplets = 0
    /// Spectra written as JCAMP-DX.
    public var spectra = 0
    /// Records of every kind.
    public var records = 0
    /// Records missing from the log, or beyond what this version understands.
    public var missing: UInt64 = 0
    /// Droplet spectra that were not written: no point valid, or no wavelengths known.
    public var spectraLeftOut = 0

    /// What came of it, for people; `directory` is where.
    public func text(_ directory: String) -> String {
        var text = "\(directory): \(records) records, \(conditions) conditions ended, "
        text += "\(droplets) droplets"
        if spectra > 0 { text += ", \(spectra) spectra" }
        text += "\n"
        if spectraLeftOut > 0 {
            text += "\(spectraLeftOut) droplets have no spectrum: no valid point, or the log does "
            text += "not say which wavelengths\n"
        }
        return text
    }
}

/// Writes a log as files other programs open. Every file appears under its name only when it is
/// whole. Holds one record at a time; memory does not grow with the log's spectra.
public struct LogExport {
    /// What came of it so far.
    public private(set) var report = ExportReport()

    private let directory: String
    private let choice: ExportChoice
    private var tables: CampaignTables
    private var conditionsFile: OutputFile?
    private var dropletsFile: OutputFile?
    private var recordsFile: OutputFile?
    private var madeFolders = Set<Int>()

    /// Spectra in a folder at most: many file systems grow slow beyond, and no condition has
    /// nearly as many droplets.
    private static let folderLimit = 100_000

    /// Begins an export into `directory`, which is made where it is missing.
    public init(into directory: String, _ choice: ExportChoice) throws(WorldError) {
        self.directory = directory
        self.choice = choice
        tables = CampaignTables(withSpectra: choice.spectraInTables)
        try Files.makeDirectories(directory)
        if choice.tables {
            conditionsFile = try OutputFile(path: directory + "/conditions.csv")
            dropletsFile = try OutputFile(path: directory + "/droplets.csv")
        }
        if choice.json { recordsFile = try OutputFile(path: directory + "/records.jsonl") }
    }

    /// Exports the log at `path`, as `LogInput` finds it, into `directory`.
    public static func run(
        _ path: String, into directory: String, _ choice: ExportChoice
    ) throws(LogInputError) -> ExportReport {
        var export = try LogInput.ofWorld { () throws(WorldError) in
            try LogExport(into: directory, choice)
        }
        var failure: LogInputError?
        do throws(LogInputError) {
            try LogInput.read(path) { entry throws(WorldError) in
                try export.take(entry)
                return true
            }
        } catch { failure = error }
        // What was read stands, also where the log could not be read to its end.
        try LogInput.ofWorld { () throws(WorldError) in try export.finish() }
        if let failure { throw failure }
        return export.report
    }

    /// Takes up the next entry of the log.
    public mutating func take(_ entry: JournalEntry) throws(WorldError) {
        if let recordsFile {
            try recordsFile.write((RecordJSON.line(entry, withSpectra: true) + "\n").utf8)
        }
        switch entry {
        case .record(_, let record): try take(record)
        case .unknown, .unreadable: report.missing += 1
        case .gap(let gap): report.missing += gap.missingRecords
        }
    }

    private mutating func take(_ record: Record) throws(WorldError) {
        report.records += 1
        tables.take(record)
        switch record.body {
        case .conditionEnd: report.conditions += 1
        case .droplet(let droplet):
            report.droplets += 1
            if choice.jcamp { try write(droplet, at: record.wall) }
        default: break
        }
        if choice.tables {
            try conditionsFile?.write(tables.conditions.take().utf8)
            try dropletsFile?.write(tables.droplets.take().utf8)
        } else {
            _ = tables.conditions.take()
            _ = tables.droplets.take()
        }
    }

    /// Gives every file its name.
    public mutating func finish() throws(WorldError) {
        try conditionsFile?.finish()
        try dropletsFile?.finish()
        try recordsFile?.finish()
    }

    private mutating func write(
        _ droplet: DropletRecord, at wall: WallTime
    ) throws(WorldError) {
        guard tables.meaning.knowsWavelengths, droplet.index < Self.folderLimit,
            let text = JCAMPText.text(spectrum(of: droplet, at: wall))
        else {
            report.spectraLeftOut += 1
            return
        }
        let folder = directory + "/spectra/condition-" + Self.padded(droplet.condition)
        if madeFolders.insert(droplet.condition).inserted { try Files.makeDirectories(folder) }
        // Attempts after the first would overwrite the spectra of a broken one.
        let attempt = droplet.attempt > 1 ? "-attempt-\(droplet.attempt)" : ""
        let file = try OutputFile(
            path: folder + "/droplet-" + Self.padded(droplet.index + 1) + attempt + ".jdx")
        try file.write(text.utf8)
        try file.finish()
        report.spectra += 1
    }

    private func spectrum(
        of droplet: DropletRecord, at wall: WallTime
    ) -> JCAMPText.Spectrum {
        let meaning = tables.meaning
        var spectrum = JCAMPText.Spectrum(
            title: "\(meaning.campaign) condition \(droplet.condition) droplet "
                + "\(droplet.index + 1)",
            origin: "Argent run log", time: wall, firstNanometers: meaning.firstNanometers,
            stepNanometers: meaning.stepNanometers, absorbance: droplet.absorbance)
        if let recipe = tables.recipe(of: droplet.condition) {
            spectrum.notes.append(("RUN", "\(recipe.run)"))
            for (name, value) in zip(meaning.names(for: recipe.values.count), recipe.values) {
                spectrum.notes.append(("RECIPE " + name, "\(value)"))
            }
        }
        spectrum.notes.append(("LOSS", "\(droplet.loss)"))
        return spectrum
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
