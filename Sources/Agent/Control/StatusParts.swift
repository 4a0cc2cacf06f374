import Configuration
import Export
import Quantities
import Rig
import World

extension Status {
    /// One droplet, with a spectrum short enough for a screen.
    public struct Droplet: Equatable, Sendable {
        /// Points of the spectrum at most.
        public static let pointLimit = 160

        /// The condition it belongs to.
        public var condition = 0
        /// Its index within the condition, from 0.
        public var index = 0
        /// Its loss.
        public var loss = 0.0
        /// Largest absorbance on the whole grid.
        public var maximumAbsorbance = 0.0
        /// Wavelength of the first point, nm.
        public var from = 0.0
        /// Distance of the points, nm.
        public var step = 0.0
        /// Absorbance, each point the mean of its part of the grid; nil where nothing is valid.
        public var absorbance: [Double?] = []
    }

    /// One sensor.
    public struct Sensor: Equatable, Sendable {
        /// Its name.
        public var name = ""
        /// What it measures.
        public var quantity = SensorSettings.Quantity.native
        /// Its last good value in the unit of the quantity; nil: none that is fresh.
        public var value: Double?

        init(_ settings: SensorSettings) {
            name = settings.name
            quantity = settings.measured
        }
    }
}

extension Status.Droplet {
    /// `droplet`, measured on the grid of `grid`.
    init(_ droplet: MeasuredDroplet, grid: LossSettings) {
        condition = droplet.order.number
        index = droplet.index
        loss = droplet.loss
        maximumAbsorbance = droplet.maximumAbsorbance
        let points = droplet.absorbance
        let count = min(points.count, Self.pointLimit)
        guard count > 0 else { return }
        let width = Double(points.count) / Double(count)
        step = grid.step.nanometers * width
        from = grid.from.nanometers + grid.step.nanometers * (width - 1) / 2
        absorbance = (0..<count).map { part in
            let place = part * points.count / count..<(part + 1) * points.count / count
            let valid = points[place].filter(\.isFinite)
            return valid.isEmpty ? nil : valid.reduce(0, +) / Double(valid.count)
        }
    }

    func write(to json: inout JSONText) {
        json.member("condition", condition)
        json.member("index", index)
        json.member("loss", loss)
        json.member("maximum_absorbance", maximumAbsorbance)
        json.member("from_nm", from)
        json.member("step_nm", step)
        json.key("absorbance")
        json.array { list in
            // Four decimals are more than a screen shows, and a third of the bytes.
            for point in absorbance { list.number(point.map { ($0 * 1e4).rounded() / 1e4 }) }
        }
    }
}

extension Summary.Run {
    /// Its members but the best of all runs so far.
    public func write(to json: inout JSONText) {
        json.member("run", run)
        json.member("method", method)
        json.member("complete", complete)
        json.member("failed", failed)
        json.member("best_loss", bestLoss)
        json.member("median_loss", medianLoss)
    }
}

extension Status {
    /// What came to the status after its first version, as members of the same object.
    func writeParts(to json: inout JSONText) {
        json.key("run_results")
        json.array { list in
            for run in runResults { list.object { run.write(to: &$0) } }
        }
        json.member("droplets_counted", dropletsCounted)
        if let lastDroplet {
            json.key("last_droplet")
            json.object { lastDroplet.write(to: &$0) }
        }
        json.key("sensors")
        json.array { list in
            for sensor in sensors {
                list.object {
                    $0.member("name", sensor.name)
                    $0.member("quantity", sensor.quantity.rawValue)
                    $0.member("unit", sensor.quantity.unit)
                    $0.member("value", sensor.value)
                }
            }
        }
        if let surroundings {
            json.key("surroundings")
            json.object { surroundings.write(to: &$0) }
        }
        json.member("started_unix_s", startedAt > 0 ? startedAt : nil)
    }
}
