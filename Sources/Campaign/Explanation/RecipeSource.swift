/// Many recipes that are not all written out.
protocol RecipeSource {
    /// Recipes there are.
    var count: Int { get }
    /// One more than the largest number of a recipe.
    var numbers: Int { get }
    /// Between what a variable lies in all recipes.
    func range(of variable: Int) -> (low: Float, high: Float)
    /// Writes a record per recipe: its codes, and its number behind them.
    func encode(_ codes: CellCodes, into records: UnsafeMutablePointer<UInt64>)
    /// Writes the variables of the `count` recipes `order` names to columns, `distance` apart.
    func gather(
        _ order: UnsafePointer<Int32>, count: Int, into columns: UnsafeMutablePointer<Float>,
        distance: Int)
}

/// Recipes one after the other in memory.
struct RecipeList: RecipeSource {
    let points: UnsafePointer<Float>
    let count: Int
    let dimension: Int

    var numbers: Int { count }

    func range(of variable: Int) -> (low: Float, high: Float) {
        var (low, high) = (points[variable], points[variable])
        for point in 0..<count {
            let value = points[point &* dimension &+ variable]
            low = value < low ? value : low
            high = value > high ? value : high
        }
        return (low, high)
    }

    func encode(_ codes: CellCodes, into records: UnsafeMutablePointer<UInt64>) {
        for point in 0..<count {
            records[point] =
                codes.codes(of: points + point &* dimension)
                | UInt64(truncatingIfNeeded: point) << CellCodes.numberShift
        }
    }

    func gather(
        _ order: UnsafePointer<Int32>, count: Int, into columns: UnsafeMutablePointer<Float>,
        distance: Int
    ) {
        for place in 0..<count {
            let source = points + Int(order[place]) &* dimension
            for variable in 0..<dimension {
                columns[variable &* distance &+ place] = source[variable]
            }
        }
    }
}
