/// A spectrum as bars of text, for a terminal.
struct SpectrumPlot {
    /// Heights of a character's lower part, in eighths.
    private static let blocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    /// Thirds, where a terminal knows ASCII only.
    private static let marks: [Character] = [" ", ".", ":", "#"]

    /// The lines, top first, each `columns` wide: `values` from 0 to `top`, resampled to the
    /// columns. What is nil stays empty, what is beyond the scale is cut.
    static func lines(
        _ values: [Double?], top: Double, columns: Int, rows: Int, isUnicode: Bool
    ) -> [String] {
        guard columns > 0, rows > 0 else { return [] }
        let parts = isUnicode ? blocks : marks
        let levels = parts.count - 1
        let heights = (0..<columns).map { column -> Int in
            guard let value = sample(values, column, of: columns), value.isFinite, top > 0 else {
                return 0
            }
            let share = min(1, max(0, value / top))
            return Int((share * Double(rows * levels)).rounded())
        }
        return (0..<rows).map { row in
            let below = (rows - 1 - row) * levels
            return String(heights.map { parts[min(levels, max(0, $0 - below))] })
        }
    }

    /// The mean of what falls into a column, or the nearest value where columns are many.
    private static func sample(_ values: [Double?], _ column: Int, of columns: Int) -> Double? {
        guard !values.isEmpty else { return nil }
        let first = min(values.count - 1, column * values.count / columns)
        let end = max(first + 1, (column + 1) * values.count / columns)
        let valid = values[first..<min(end, values.count)].compactMap { $0 }
        return valid.isEmpty ? nil : valid.reduce(0, +) / Double(valid.count)
    }

    /// A round number at or above `value`, for the top of a scale.
    static func scale(_ value: Double) -> Double {
        guard value.isFinite, value > 0 else { return 1 }
        var power = 1e-6
        while power * 10 < value, power < 1e9 { power *= 10 }
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value } ?? value
    }
}
