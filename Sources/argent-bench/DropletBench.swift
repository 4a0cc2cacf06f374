import Configuration
import Numerics
import Spectra

/// What is done for every droplet of a condition: judging it, and looking whether the median of
/// the losses is known.
var dropletBenchmarks: [Benchmark] {
    let watched = Benchmark(name: "droplet/watch/421", work: 421, unit: "points") {
        var random = SeededGenerator(seed: 1)
        let spectra = (0..<16).map { _ in (0..<421).map { _ in 0.5 + 0.01 * random.normal() } }
        let expected = spectra[0].map { Float($0) }
        var watch = DropletWatch(points: 421, step: 1, settings: DropletSettings())
        _ = watch.begin(expected: expected, spread: 0.5)
        var next = 0
        return {
            keep(watch.judge(spectra[next]))
            next = (next + 1) % spectra.count
        }
    }
    let looked = [14, 1_000].map { count in
        Benchmark(name: "droplet/median/\(count)", work: Double(count), unit: "losses") {
            var random = SeededGenerator(seed: 2)
            let losses = (0..<count).map { _ in 0.4 + 0.01 * random.normal() }
            let stop = MedianStop(uncertainty: 0.01, fewest: count, droplets: count + 8)
            return { keep(stop.halfWidth(of: losses)) }
        }
    }
    return [watched] + looked
}
