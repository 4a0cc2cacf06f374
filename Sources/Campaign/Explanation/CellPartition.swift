/// Parts a box of recipes into cells by halving it over and over: all parts of a depth along the
/// same variable, so that a recipe's cell follows from comparing each of its variables with a
/// few limits, and nothing needs sorting.
struct CellPartition {
    /// Halvings on the way from the box to a cell.
    private(set) var depth = 0
    /// The variable halved at every depth.
    private var axes: [Int] = []
    /// Limits between the classes of every variable, ascending; one less than a power of two.
    private var limits: [[Float]]
    /// By variable and class: its part of a cell's number.
    private var parts: [[Int]]

    /// Recipes of a cell, about.
    static let cellSize = 16
    /// Halvings at most, of the box and of one variable.
    static let mostHalvings = 16
    static let mostHalvingsOfOne = 6
    /// Recipes looked at to find the limits.
    static let sampleSize = 1_024

    /// Cells for `count` recipes of `dimension` numbers. `weights` says how much the network
    /// heeds each variable.
    init(points: UnsafePointer<Float>, count: Int, dimension: Int, weights: [Float]) {
        let step = max(1, count / Self.sampleSize)
        var samples = [[Float]](repeating: [], count: dimension)
        for point in stride(from: 0, to: count, by: step) {
            for variable in 0..<dimension {
                samples[variable].append(points[point * dimension + variable])
            }
        }
        var low = [Float](repeating: .infinity, count: dimension)
        var high = [Float](repeating: -.infinity, count: dimension)
        for point in 0..<count {
            for variable in 0..<dimension {
                let value = points[point * dimension + variable]
                if value < low[variable] { low[variable] = value }
                if value > high[variable] { high[variable] = value }
            }
        }
        var halvings = [Int](repeating: 0, count: dimension)
        var reaches = (0..<dimension).map { weights[$0] * (high[$0] - low[$0]) }
        while depth < Self.mostHalvings, count > Self.cellSize << depth {
            guard let axis = reaches.indices.max(by: { reaches[$0] < reaches[$1] }),
                reaches[axis] > 0
            else { break }
            axes.append(axis)
            depth += 1
            halvings[axis] += 1
            reaches[axis] = halvings[axis] < Self.mostHalvingsOfOne ? reaches[axis] / 2 : 0
        }
        limits = (0..<dimension).map { variable in
            let sorted = samples[variable].sorted()
            let classes = 1 << halvings[variable]
            return (1..<max(classes, 1)).map { sorted[$0 * sorted.count / classes] }
        }
        parts = (0..<dimension).map { variable in
            (0..<(1 << halvings[variable])).map { $0 }
        }
        for variable in 0..<dimension {
            for number in parts[variable].indices {
                var left = halvings[variable]
                var part = 0
                for axis in axes {
                    part <<= 1
                    if axis == variable {
                        left -= 1
                        part |= number >> left & 1
                    }
                }
                parts[variable][number] = part
            }
        }
    }

    /// The cell of every recipe.
    func assign(
        points: UnsafePointer<Float>, count: Int, to cells: UnsafeMutablePointer<Int32>
    ) {
        let dimension = limits.count
        for variable in 0..<dimension {
            let isFirst = variable == 0
            limits[variable].withUnsafeBufferPointer { limits in
                parts[variable].withUnsafeBufferPointer { parts in
                    var place = points + variable
                    for point in 0..<count {
                        let value = place.pointee
                        var number = 0
                        for limit in limits { number += value > limit ? 1 : 0 }
                        cells[point] =
                            Int32(truncatingIfNeeded: parts[number])
                            | (isFirst ? 0 : cells[point])
                        place += dimension
                    }
                }
            }
        }
    }
}
