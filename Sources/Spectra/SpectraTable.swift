import Configuration
import Quantities

/// A table of absorbance spectra: one per line, one column per wavelength.
public struct SpectraTable: Equatable, Sendable {
    /// Wavelengths in nm, rising.
    public let wavelengths: [Double]
    /// One spectrum per line of the table, in its order.
    public let rows: [[Double]]

    /// Reads CSV. The first line names the columns; `A380`, `A380.5` and so on are absorbance at
    /// that many nm, all others are ignored. Throws `malformed` with the line and column (field)
    /// of the first mistake.
    public static func parse(_ text: String) throws(SpectraError) -> SpectraTable {
        var reader = CSVReader(text)
        guard let header = try reader.next() else {
            throw .malformed(line: 1, column: 1, what: "empty; the first line names columns A…")
        }
        var columns: [Int] = []
        var wavelengths: [Double] = []
        for (column, name) in header.enumerated() {
            guard name.first == UInt8(ascii: "A"), let digit = name.dropFirst().first,
                (0x30...0x39).contains(digit),
                let wavelength = CSVReader.number(name.dropFirst())
            else { continue }
            if let last = wavelengths.last, wavelength <= last {
                throw .malformed(
                    line: 1, column: column + 1,
                    what: "A… columns must rise from left to right, each wavelength once")
            }
            columns.append(column)
            wavelengths.append(wavelength)
        }
        guard columns.count >= 2 else {
            throw .malformed(
                line: 1, column: 1,
                what: "\(columns.count) absorbance columns; name them A380, A381, …")
        }
        var rows: [[Double]] = []
        while let fields = try reader.next() {
            guard fields.count == header.count else {
                throw .malformed(
                    line: reader.line, column: min(fields.count, header.count) + 1,
                    what: "\(fields.count) fields where the header has \(header.count)")
            }
            rows.append(try row(of: fields, columns: columns, line: reader.line))
        }
        guard !rows.isEmpty else {
            throw .malformed(line: 2, column: 1, what: "no spectra below the header")
        }
        return SpectraTable(wavelengths: wavelengths, rows: rows)
    }

    private static func row(
        of fields: [ArraySlice<UInt8>], columns: [Int], line: Int
    ) throws(SpectraError) -> [Double] {
        var row: [Double] = []
        row.reserveCapacity(columns.count)
        for column in columns {
            guard let value = CSVReader.number(fields[column]) else {
                throw .malformed(
                    line: line, column: column + 1,
                    what: "not a number; remove the line if the spectrum is incomplete")
            }
            row.append(value)
        }
        return row
    }

    /// The loss of every row, as CSV with the columns `row` (from 1) and `loss`. The table's own
    /// wavelengths are used, whatever the grid of `settings`. A row without shape has an empty
    /// loss. Throws when the target does not reach the table's wavelengths.
    public func lossReport(
        target: TargetSpectrum, settings: LossSettings
    ) throws(SpectraError) -> String {
        let loss = try Loss(target: target, wavelengths: wavelengths, settings: settings)
        var text = "row,loss\n"
        for (index, row) in rows.enumerated() {
            text += "\(index + 1),"
            do {
                text += "\(try loss.of(row))"
            } catch .flat {
                // Missing is not a number.
            }
            text += "\n"
        }
        return text
    }
}
