import Configuration
import Instruments
import Quantities
import Spectra

/// What the rig looks at, and what it makes of it.
extension RigController {
    /// Whether dark and reference should be taken again before the next condition.
    var referenceIsDue: Bool {
        guard measurement.hasReference else { return true }
        if conditionsSinceReference >= settings.rig.referenceEvery { return true }
        guard let drift = measurement.drift else { return false }
        return abs(drift) > settings.rig.driftLimit
    }

    /// Something happened at an instrument.
    public mutating func handle(_ event: InstrumentEvent, at now: Instant) {
        account(until: now)
        let name = event.instrument
        switch event.kind {
        case .identified(let text):
            reports.append(
                .event(
                    kind: "identified", text: .instrument(name: name, what: .text(text))))
        case .ready:
            if name == Self.spectrometerName { spectrometerReady = true }
            found(name, at: now)
            reports.append(.event(kind: "ready", text: .text(name)))
            followInterlocks(at: now)
        case .goalReached: break  // seen in the pump's state
        case .alarm(let alarm):
            raise(.pumpAlarm, instrument(name), .alarm(alarm), at: now)
        case .trouble(let error):
            reports.append(
                .event(kind: "trouble", text: .instrument(name: name, what: .error(error))))
        case .frameMissed(let error):
            // The stream is torn: a droplet with a hole in it is none.
            measurement.interrupt()
            reports.append(
                .event(kind: "trouble", text: .instrument(name: name, what: .error(error))))
        case .lost(let error):
            if name == Self.spectrometerName { spectrometerReady = false }
            lose(name, error, at: now)
        case .frame(let frame): handle(frame, at: now)
        }
    }

    /// The spectrometer's name in events and faults.
    public static let spectrometerName = "spectrometer"

    /// The spectrometer told which wavelength each of its pixels sees.
    public mutating func calibrate(wavelengths: [Wavelength], at now: Instant) {
        do throws(SpectraError) {
            try measurement.calibrate(wavelengths)
            plan = nil
        } catch {
            raise(.reference, 0, .calibration(error), at: now)
        }
    }

    /// An operator asks. Returns what to tell them, in words.
    public mutating func operate(_ command: OperatorCommand, at now: Instant) -> String {
        answer(command, at: now).description
    }

    /// The same without putting the answer in words.
    public mutating func answer(_ command: OperatorCommand, at now: Instant) -> Words {
        account(until: now)
        switch command {
        case .hold(let reason):
            hold(reason: .text(reason), at: now)
            return state == .safe ? "safe already; stays held after `argent clear`" : "held"
        case .resume: return resume(at: now)
        case .clear: return clear(at: now)
        case .refilled(let names):
            for (index, pump) in settings.pumps.enumerated()
            where names.isEmpty || names.contains(pump.name) {
                ledger.refill(index)
            }
            reportRemaining()
            return .text(
                "noted as full: " + (names.isEmpty ? "all" : names.joined(separator: ", ")))
        }
    }

    /// Whether pump `index` says it does what it was told.
    func pumpObeys(_ index: Int) -> Bool {
        guard pumps[index].link == .ready, let actual = pumps[index].actual else { return false }
        switch actual {
        case .stopped: return commanded[index] == .zero
        case .infusing(let rate, _):
            // Devices round rates to three or four digits.
            let wanted = commanded[index].microlitersPerMinute
            return wanted > 0 && abs(rate.microlitersPerMinute - wanted) <= 0.006 * wanted
        }
    }

    /// Whether every pump does. A loop, because a closure would copy the whole controller.
    private var allPumpsObey: Bool {
        for index in settings.pumps.indices where !pumpObeys(index) { return false }
        return true
    }

    /// Looks for the events of the present state.
    mutating func watch(at now: Instant) {
        watchPumps(at: now)
        switch state {
        case .connecting:
            if pumps.allSatisfy({ $0.link == .ready }), spectrometerReady, allPumpsObey,
                interlocks.isComplete
            {
                let known = measurement.hasReference && plan != nil
                step(
                    !isPrimed ? .connected : known ? .connectedReferenced : .connectedPrimed,
                    at: now)
            }
        case .priming:
            if volumeToPass <= .zero {
                isPrimed = true
                step(.volumePassed, at: now)
            }
        case .darkening:
            if measurement.hasEnoughDark { step(.scansTaken, at: now) }
        case .warming:
            if volumeToPass <= .zero, now - stateSince >= settings.rig.lampWarmUp {
                step(.warmedUp, at: now)
            }
        case .ready:
            if referenceIsDue { step(.referenceDue, at: now) }
        case .starting:
            if allPumpsObey { step(.obeyed, at: now) }
        case .settling:
            if volumeToPass <= .zero { step(.volumePassed, at: now) }
        case .referencing, .collecting, .ramping, .held, .safe: break
        }
        if now >= stepLimit {
            stepLimit = .distantFuture
            step(.timeUp, at: now)
        }
        watchSyringes(at: now)
    }

    /// A pump that does not do what it was told, or should run and was not heard of lately, or
    /// a detector that is blind.
    private mutating func watchPumps(at now: Instant) {
        guard state != .safe, state != .connecting else { return }
        if state != .starting, now - commandedAt > settings.rig.obeyLimit,
            !allPumpsObey
        {
            raiseDisobedience(at: now)
            return
        }
        guard state != .held else { return }
        for index in settings.pumps.indices where commanded[index] > .zero {
            // Silence counts however often the state changes; to hear what it does may take as
            // long as it takes to tell it what to do.
            let heard = max(pumps[index].heardAt, runningSince[index])
            let confirmed = max(pumps[index].confirmedAt, stateSince)
            let age = now - min(heard, confirmed)
            guard age > settings.rig.staleAfter else { continue }
            raise(.staleReading, index, value: age.seconds, at: now)
        }
        if plan?.isAcquiring == true, now - lastFrameAt > settings.rig.blindAfter {
            raise(.noSpectra, 0, .blind(now - lastFrameAt), at: now)
        }
    }

    private mutating func watchSyringes(at now: Instant) {
        guard state == .starting || state == .settling || state == .collecting else { return }
        let empty = settings.pumps.indices.first {
            commanded[$0] > .zero && ledger.usable($0) <= .zero
        }
        if let empty { holdForRefill(pump: empty, at: now) }
    }

    private mutating func handle(_ frame: SpectrometerFrame, at now: Instant) {
        lastFrameAt = now
        guard frame.plan == plan else { return }
        switch state {
        case .darkening: measurement.addDark(frame)
        case .referencing:
            if let note = measurement.addReference(frame) {
                reports.append(.event(kind: "reference", text: note))
            }
            if measurement.hasEnoughReference { step(.dropletsEnough, at: now) }
        case .collecting: collect(frame, at: now)
        default: break
        }
    }
}
