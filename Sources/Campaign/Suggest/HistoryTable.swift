import Configuration
import Numerics
import Spectra

/// What is known: recipes that were made, and the loss of each, its spectrum, or both.
public struct HistoryTable: Equatable, Sendable {
    /// One number per variable, row by row.
    public private(set) var recipes: [[Double]]
    /// One loss per recipe; empty as long as there are only spectra.
    public private(set) var losses: [Double]
    /// One spectrum per recipe; empty when there are none, or when losses make them needless.
    public private(set) var spectra: [[Double]]
    /// The wavelengths of the spectra's columns, nm.
    public let wavelengths: [Double]
    /// Whether losses stood in the file.
    public let hasLossColumn: Bool
    /// The line every recipe stood on; of several recipes in one, the first.
    public private(set) var lines: [Int]
    private let file: String

    /// Name of the column that holds losses.
    public static let lossColumn = "loss"
    /// Rows of a history at most: droplets; see `Planner.observationLimit` for conditions.
    public static let rowLimit = 200_000
    /// Largest loss, either sign: their squares must be numbers too.
    static let lossLimit = 1e150

    /// The history in `table`. A column `loss` is used as it is; spectra beside it are read only
    /// when `readsSpectra`. Throws, with the place, what is wrong or missing.
    public init(
        _ table: DataTable, variables: [VariableSettings], readsSpectra: Bool = false
    ) throws(TableError) {
        file = table.file
        recipes = try table.recipes(variables)
        let absorbance = try table.absorbanceColumns(besides: variables)
        wavelengths = absorbance.wavelengths
        let loss = try table.column(Self.lossColumn)
        hasLossColumn = loss != nil
        guard loss != nil || wavelengths.count >= 2 else {
            throw table.headerError(
                0, "there is neither a column loss nor a spectrum",
                "add the column loss, or the columns A380, A381, … with absorbance at that many nm")
        }
        losses = []
        if let loss {
            losses = try table.numbers([loss]).map { $0[0] }
            if let row = losses.firstIndex(where: { abs($0) > Self.lossLimit }) {
                throw table.error(
                    row: row, column: loss, "a loss beyond ±\(Self.lossLimit) cannot be used",
                    "scale the losses, or remove the line")
            }
        }
        let needsSpectra = wavelengths.count >= 2 && (loss == nil || readsSpectra)
        spectra = needsSpectra ? try table.numbers(absorbance.columns) : []
        lines = (0..<table.rowCount).map { table.line(of: $0) }
    }

    /// Number of recipes.
    public var count: Int { recipes.count }

    /// Computes the losses from the spectra; those that stood in the file stay. Throws, with the
    /// place, for a spectrum without shape, and what `wanted` has against the wavelengths.
    public mutating func computeLosses(
        target: TargetSpectrum, settings: LossSettings
    ) throws(TableError) {
        guard losses.isEmpty, !spectra.isEmpty else { return }
        let loss: Loss
        do throws(SpectraError) {
            loss = try Loss(target: target, wavelengths: wavelengths, settings: settings)
        } catch { throw problem(line: 1, "\(error)") }
        var computed: [Double] = []
        for (row, spectrum) in spectra.enumerated() {
            do throws(SpectraError) { computed.append(try loss.of(spectrum)) } catch {
                throw problem(line: lines[row], "\(error)")
            }
        }
        losses = computed
    }

    /// Makes one of all rows with the same recipe: the median of their losses, and of their
    /// spectra wavelength by wavelength. Call it when losses are known.
    public mutating func joinEqualRecipes() {
        var places: [[Double]: Int] = [:]
        var groups: [[Int]] = []
        for (row, recipe) in recipes.enumerated() {
            if let place = places[recipe] {
                groups[place].append(row)
            } else {
                places[recipe] = groups.count
                groups.append([row])
            }
        }
        guard groups.count < recipes.count else { return }
        if !losses.isEmpty { losses = groups.map { rows in Self.median(rows.map { losses[$0] }) } }
        if !spectra.isEmpty {
            spectra = groups.map { rows in
                wavelengths.indices.map { point in Self.median(rows.map { spectra[$0][point] }) }
            }
        }
        recipes = groups.map { recipes[$0[0]] }
        lines = groups.map { lines[$0[0]] }
    }

    /// The history in an order of its own: by recipe, then by loss. Whatever the order of the
    /// rows, what follows from them is the same.
    var sorted: [Observation] {
        let order = recipes.indices.sorted { first, second in
            for (a, b) in zip(recipes[first], recipes[second]) where a != b { return a < b }
            return losses[first] < losses[second]
        }
        return order.enumerated().map { place, row in
            Observation(number: place + 1, recipe: recipes[row], loss: losses[row])
        }
    }

    private static func median(_ values: [Double]) -> Double {
        Numerics.median(of: values) ?? .nan
    }

    private func problem(line: Int, _ message: String) -> TableError {
        TableError(file: file, line: line, column: 1, message: message, hint: "")
    }
}
