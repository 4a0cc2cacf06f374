import Configuration

/// Where a table holds the recipes: one column per variable, by the variable's name, in any order.
struct RecipeColumns {
    private let columns: [Int]

    /// Finds the columns of `variables` in `table`. Throws, at the header, for one that is
    /// missing or there twice.
    init(_ table: DataTable, variables: [VariableSettings]) throws(TableError) {
        var columns: [Int] = []
        for variable in variables {
            guard let column = try table.column(variable.name) else {
                let free = table.names.filter { name in !variables.contains { $0.name == name } }
                let near = Suggestion.nearest(to: variable.name, among: free)
                throw table.headerError(
                    near.flatMap { table.names.firstIndex(of: $0) } ?? 0,
                    "there is no column \(variable.name)",
                    near.map { "is \(TableError.shown($0)) meant? rename it to \(variable.name)" }
                        ?? "columns are known by the names of the [[variable]] entries")
            }
            columns.append(column)
        }
        self.columns = columns
    }

    /// The recipe in `row`. Throws, with the place, for what is no finite number.
    func recipe(_ table: DataTable, row: Int) throws(TableError) -> [Double] {
        var recipe: [Double] = []
        recipe.reserveCapacity(columns.count)
        for column in columns { recipe.append(try table.number(row: row, column: column)) }
        return recipe
    }

    /// A problem with the number of variable `index` in `row`.
    func error(
        _ table: DataTable, row: Int, variable index: Int, _ message: String, _ hint: String
    ) -> TableError {
        table.error(row: row, column: columns[index], message, hint)
    }
}

extension DataTable {
    /// The recipes of all rows, one number per variable. Throws, with the place, what is missing
    /// or no finite number.
    public func recipes(_ variables: [VariableSettings]) throws(TableError) -> [[Double]] {
        let columns = try RecipeColumns(self, variables: variables)
        var recipes: [[Double]] = []
        recipes.reserveCapacity(rowCount)
        for row in 0..<rowCount { recipes.append(try columns.recipe(self, row: row)) }
        return recipes
    }

    /// The absorbance columns (`A380`, `A380.5`, …: nm) but for those called like a variable:
    /// where they are, and their wavelengths. Throws unless the wavelengths rise.
    public func absorbanceColumns(
        besides variables: [VariableSettings]
    ) throws(TableError) -> (columns: [Int], wavelengths: [Double]) {
        var columns: [Int] = []
        var wavelengths: [Double] = []
        for (column, name) in names.enumerated() {
            let text = Array(name.utf8)
            guard text.first == UInt8(ascii: "A"), text.count > 1, (0x30...0x39).contains(text[1]),
                let wavelength = DecimalNumber.parse(text, from: 1, to: text.count),
                !variables.contains(where: { $0.name == name })
            else { continue }
            if let last = wavelengths.last, wavelength <= last {
                throw headerError(
                    column, "\(name) comes after a longer or the same wavelength",
                    "A… columns must rise from left to right, each wavelength once")
            }
            columns.append(column)
            wavelengths.append(wavelength)
        }
        return (columns, wavelengths)
    }

    /// The numbers of `columns` in every row. Throws, with the place, for what is none.
    public func numbers(_ columns: [Int]) throws(TableError) -> [[Double]] {
        var rows: [[Double]] = []
        rows.reserveCapacity(rowCount)
        for row in 0..<rowCount {
            var numbers: [Double] = []
            numbers.reserveCapacity(columns.count)
            for column in columns { numbers.append(try number(row: row, column: column)) }
            rows.append(numbers)
        }
        return rows
    }
}
