import Agent
import CAllocations
import Configuration
import Glibc
import Quantities
import Rig
import RigSimulator
import Spectra
import Synchronization
import World

/// `argent-bench rig`: the rig's thread as it runs on a board, with simulated instruments on
/// pseudo-terminals and an interlock that trips again and again while the pumps run.
struct RigBench {
    static let help = """
        argent-bench rig [--seconds S] [--hertz H] [--priority P] [--cpu N] [--histogram]
                         [--where] [--droplets | --alarm]
        Runs the rig's thread against simulated instruments on pseudo-terminals; an interlock (a
        pipe in place of a GPIO line) trips whenever all pumps run. Prints one JSON object:
        lateness of the schedule's turns, time from the interlock's edge to the first stop
        command written, allocations of the thread after its start, turns left out. Exit code 1
        when the thread allocated. --where prints from which addresses of the program. With
        --droplets conditions are run, spectra and droplets and all; every third is broken off
        by the interlock, after which dark and reference are taken anew. With --alarm a pump
        stalls in place of the interlock, and the time is taken from when its alarm goes onto
        its line.
        """

    /// With conditions the interlock trips in every such one.
    private static let conditionsPerStop = 3
    /// A person clears this often, until it helps.
    private static let clearPeriod = TimeSpan.milliseconds(20)
    /// Time before anything counts: lines are found, pumps started and stopped at least twice.
    private static let warmUp = TimeSpan.seconds(6)

    private var seconds = 20.0
    private var hertz = 1_000.0
    private var priority = 80
    private var cpu = -1
    private var showsHistogram = false
    private var showsPlaces = false
    private var runsConditions = false
    private var stallsPump = false

    /// The program for `arguments`; nil when they are none.
    init?(_ arguments: ArraySlice<String>) {
        var arguments = arguments
        while let argument = arguments.popFirst() {
            switch argument {
            case "--histogram":
                showsHistogram = true
                continue
            case "--where":
                showsPlaces = true
                continue
            case "--droplets":
                runsConditions = true
                continue
            case "--alarm":
                stallsPump = true
                continue
            default: break
            }
            guard let text = arguments.popFirst(), let value = Double(text), value.isFinite
            else { return nil }
            switch argument {
            case "--seconds" where value > 0: seconds = value
            case "--hertz" where value >= 20 && value <= 10_000: hertz = value
            case "--priority" where value >= 0 && value < 100: priority = Int(value)
            case "--cpu" where value >= -1 && value < 4_096: cpu = Int(value)
            default: return nil
            }
        }
    }

    /// Runs it. True: the rig's thread did not allocate after its start.
    func run() throws -> Bool {
        let directory = try BenchDirectory()
        var settings = Self.settings(directory.path)
        if runsConditions { Self.makeQuick(&settings) }
        settings.realtime.priority = priority
        settings.realtime.cpu = cpu
        settings.realtime.period = .seconds(1 / hertz)
        let edge = try PipeEdge()
        let simulator = try SimulatorThread(
            settings, directory: directory.path, avoiding: cpu, alarm: stallsPump ? edge : nil,
            priority: stallsPump ? priority - 2 : 0)
        defer { simulator.stop() }
        let hazard: any BenchHazard = simulator.alarming ?? edge
        let world = try ProbeWorld(edge: edge, priority: priority, cpu: cpu)
        let bell = try WakeHandle()
        let probe = AllocationProbe(
            after: runsConditions ? .distantFuture : Clocks.now + Self.warmUp)
        let trial = try RigTrial(
            world: world, rigBell: world.real.waker, bell: bell, settings: settings,
            loss: Self.loss(settings), probe: probe)
        probe.clear = {
            trial.meter.clear()
            edge.latency.clear()
            edge.seen.clear()
            edge.answered.clear()
        }
        if showsPlaces { callocations_trace(1) }
        // Edges shall go out when their time is taken, whatever else runs, and like those of a
        // line not from the processor of the rig.
        Thread.avoid(cpu)
        if priority > 1 { _ = Thread.become(.fifo(priority: priority - 1)) }
        try trial.start()
        if runsConditions { return conditions(trial, probe, edge) }
        let stops = trips(of: trial, by: hazard, until: Clocks.now + Self.warmUp)
        guard stops > 0 else {
            trial.end()
            throw BenchFailure("no pump was stopped while warming up: \(trial.lastFault)")
        }
        let trips = trips(
            of: trial, by: hazard, until: Clocks.now + .seconds(seconds))
        probe.finish()
        let turns = trial.meter.turns
        trial.end()
        print(report(trial, probe, edge, turns: turns, trips: trips))
        if showsPlaces { callocations_print_places() }
        return probe.counts.allocations == 0
    }

    /// Lets the interlock trip whenever all pumps run; it is in order again, and cleared, as soon
    /// as the rig is safe. Returns how often it tripped.
    private func trips(
        of trial: RigTrial, by hazard: any BenchHazard, until end: Instant
    ) -> Int {
        var random = SeededGaps()
        var trips = 0
        var actAt = Instant.distantFuture
        var clearAt = Instant.zero
        while Clocks.now < end {
            let state = trial.look()
            let now = Clocks.now
            if state == .safe {
                hazard.set(false)
                if now >= clearAt {
                    clearAt = now + Self.clearPeriod
                    trial.operate(.clear)
                }
            } else if state == .priming, trial.allRun, !hazard.isDangerous {
                // Any moment within a period and within the pumps' conversation.
                if actAt == .distantFuture {
                    actAt = now + .microseconds(Int64(random.next(100_000)))
                } else if now >= actAt {
                    actAt = .distantFuture
                    hazard.set(true)
                    trips += 1
                }
            }
            Clocks.sleep(.microseconds(Int64(500 + random.next(500))))
        }
        hazard.set(false)
        return trips
    }

    /// Runs conditions for the given time, from when the first was wanted.
    private func conditions(
        _ trial: RigTrial, _ probe: AllocationProbe, _ edge: PipeEdge
    ) -> Bool {
        var number = 0
        var end = Clocks.now + .seconds(120)
        var clearAt = Instant.zero
        var tripped = 0
        while Clocks.now < end {
            let state = trial.look()
            if state == .safe {
                edge.set(false)
                if Clocks.now >= clearAt {
                    clearAt = Clocks.now + Self.clearPeriod
                    trial.operate(.clear)
                }
            } else if state == .collecting, number % Self.conditionsPerStop == 0,
                tripped != number
            {
                tripped = number
                edge.set(true)
            }
            if trial.wantsOrder {
                number += 1
                // By then it has been stopped and started anew once.
                if number == Self.conditionsPerStop + 2 {
                    end = Clocks.now + .seconds(seconds)
                    probe.begin(at: Clocks.now)
                }
                let recipe = [4 + Double(number % 7), 5 + Double(number % 5)]
                trial.order(
                    ConditionOrder(run: 1, number: number, attempt: 1, recipe: recipe))
            }
            Clocks.sleep(.milliseconds(1))
        }
        probe.finish()
        let turns = trial.meter.turns
        trial.end()
        print(report(trial, probe, edge, turns: turns, trips: edge.latency.count))
        print(
            "{\"conditions\":\(number),\"droplets\":\(trial.droplets),"
                + "\"stops\":\(edge.latency.count)}")
        if showsPlaces { callocations_print_places() }
        return probe.counts.allocations == 0
    }

    private func report(
        _ trial: RigTrial, _ probe: AllocationProbe, _ edge: PipeEdge, turns: Int, trips: Int
    ) -> String {
        var text = "{\"bench\":\"rig\",\"seconds\":\(seconds),\"hertz\":\(hertz),"
        text += "\"priority\":\(priority),\"cpu\":\(cpu),\"turns\":\(turns),"
        text += "\"missed\":\(trial.meter.missed),\"lateness\":\(trial.meter.lateness.json),"
        text += "\"edge_to_seen\":\(edge.seen.json),"
        text += "\"seen_to_stop\":\(edge.answered.json),"
        text += "\"edge_to_stop\":\(edge.latency.json),\"trips\":\(trips),"
        for stage in RigStage.allCases {
            text += "\"\(stage.name)\":\(trial.meter.stages[stage.rawValue].json),"
        }
        let counts = probe.counts
        text += "\"allocations\":\(counts.allocations),\"frees\":\(counts.frees),"
        text += "\"allocated_bytes\":\(counts.bytes),\"turns_that_allocate\":\(probe.turns),"
        text += "\"page_faults\":\(probe.pageFaults),\"lost\":["
        text += trial.lost.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        if showsHistogram {
            text += ",\"edge_to_stop_us\":["
            text += edge.microseconds.map { "\($0)" }.joined(separator: ",") + "]"
            text += ",\"lateness_histogram\":["
            text += trial.meter.lateness.classes
                .map { "[\($0.upTo.nanoseconds),\($0.count)]" }.joined(separator: ",")
            text += "]"
        }
        return text + "}"
    }

    private static func loss(_ settings: Settings) throws -> Loss {
        let target = try TargetSpectrum(
            wavelengths: PrismChemistry.targetSpectrum.map(\.wavelength.nanometers),
            values: PrismChemistry.targetSpectrum.map(\.value))
        return try Loss(target: target, settings: settings.loss)
    }

    /// Conditions of some seconds, for as many droplets as the simulated rig makes in them.
    private static func makeQuick(_ settings: inout Settings) {
        settings.simulation.dropletVolume = Volume(microliters: 3)
        settings.spectrometer.integration = .milliseconds(5)
        settings.spectrometer.pixelStep = 6
        settings.rig.primeFlow = FlowRate(microlitersPerMinute: 600)
        settings.rig.primeVolume = Volume(microliters: 20)
        settings.rig.deadVolume = Volume(microliters: 10)
        settings.rig.settleResidences = 1
        settings.rig.lampWarmUp = .seconds(1)
        settings.rig.darkScans = 4
        settings.rig.referenceDroplets = 4
        settings.rig.droplets = 8
    }

    /// Two pumps of either family, a spectrometer, an interlock; priming lasts for the whole run.
    private static func settings(_ directory: String) -> Settings {
        var settings = Settings()
        settings.variables = ["AgNO3", "seeds"].map { name in
            VariableSettings(
                name: "Q_" + name, kind: .reagentPercent(pump: name), low: 4, high: 20,
                lowLimit: 0.5, highLimit: 80)
        }
        settings.pumps = ["AgNO3", "seeds", "solvent", "oil"].map { name in
            var pump = PumpSettings(name: name)
            let isHarvard = name == "solvent" || name == "oil"
            pump.port = directory + "/" + name
            pump.dialect = isHarvard ? .harvard : .newEra
            pump.baud = isHarvard ? 115_200 : 19_200
            pump.syringeDiameter = Length(millimeters: 26.594)
            pump.syringeVolume = Volume(microliters: 60_000)
            return pump
        }
        settings.spectrometer.port = directory + "/spectrometer"
        settings.rig.primeFlow = FlowRate(microlitersPerMinute: 80)
        settings.rig.primeVolume = Volume(microliters: 5_000)
        var door = InterlockSettings(name: "door")
        door.chipLabel = "pipe"
        door.line = "door"
        settings.interlocks = [door]
        return settings
    }
}
