import Configuration
import Instruments
import Quantities
import Spectra

/// What the rig does on its way from one state to the next.
extension RigController {
    mutating func perform(_ action: RigAction, because event: RigEvent, at now: Instant) {
        switch action {
        case .none: break
        case .stopPumps: stopPumps(at: now)
        case .prime: prime(at: now)
        case .takeDark: takeDark(at: now)
        case .warmLamp: warmLamp(at: now)
        case .takeReference: takeReference(at: now)
        case .keepReference: keepReference(at: now)
        case .startRecipe: startRecipe(at: now)
        case .settle: settle(at: now)
        case .collect: collect(at: now)
        case .endCondition: endCondition(because: event, at: now)
        case .abandon: abandon(at: now)
        case .makeSafe: makeSafe(at: now)
        case .beginRamp: beginRamp(at: now)
        case .raiseFault: raiseStepFault(at: now)
        }
    }

    /// Sends every pump its rate of `setpoints`, each bounded by a volume after which it stops
    /// by itself even if this process is dead by then. `span` is how long the rates are meant
    /// to last.
    mutating func command(for span: TimeSpan, at now: Instant) {
        // The last door: whatever led here, nothing starts while something is wrong.
        guard !interlocks.keepsPumpsStill else {
            stopPumps(at: now)
            return
        }
        for change in setpoints.adjustments {
            let words = Words.adjusted(
                pump: pumpNames[change.pump], asked: change.asked, given: change.given)
            reports.append(.event(kind: "setpoint", text: words))
        }
        account(until: now)
        // Also for the same rates as before: a pump may start anew to renew its bound.
        commandedAt = now
        for (index, rate) in setpoints.rates.enumerated() {
            if commanded[index] == .zero { runningSince[index] = now }
            commanded[index] = rate
            guard rate > .zero else {
                commands.append(.pump(index, .stopped))
                continue
            }
            let wanted = rate.volume(in: span).microliters * Self.boundSlack
            let bound = Volume(microliters: min(wanted, ledger.usable(index).microliters))
            commands.append(.pump(index, .infusing(rate: rate, bound: bound)))
        }
        reportRates()
    }

    /// The words of the fault that came last; nil: there is none.
    var latestWords: Words? { interlocks.latestFault.map(Words.fault) }

    mutating func stopPumps(at now: Instant) {
        account(until: now)
        var moved = false
        for index in commanded.indices {
            if commanded[index] > .zero { moved = true }
            commands.append(.pump(index, .stopped))
            commanded[index] = .zero
        }
        if moved {
            commandedAt = now
            reportRates()
        }
        stepLimit = .distantFuture
    }

    mutating func acquire(_ on: Bool, lamp: Bool, at now: Instant) {
        guard var next = plan ?? measurement.basePlan else { return }
        next.isAcquiring = on
        next.lampOn = lamp
        guard next != plan else { return }
        plan = next
        lastFrameAt = now
        commands.append(.spectrometer(next))
    }

    private mutating func prime(at now: Instant) {
        acquire(false, lamp: false, at: now)
        begin("prime", volume: settings.rig.primeVolume, at: now) {
            (setpoints, settings) throws(SetpointError) in try setpoints.setPrime(settings)
        }
    }

    /// Starts a step of the start sequence: its flow, the volume to wait for, its time limit.
    private mutating func begin(
        _ name: String, volume: Volume, at now: Instant,
        _ set: (inout Setpoints, Settings) throws(SetpointError) -> Void
    ) {
        do throws(SetpointError) { try set(&setpoints, settings) } catch {
            raise(.stepTime, 0, .unreachable(step: name, error), at: now)
            return
        }
        let span = setpoints.total.time(for: volume)
        let limit =
            span + span + settings.rig.obeyLimit + settings.rig.lampWarmUp
            + settings.rig.collectLimit
        let rates = setpoints.rates
        if let short = ledger.firstShort(of: rates, for: span, slack: Self.boundSlack) {
            holdForRefill(pump: short, at: now)
            return
        }
        volumeToPass = volume
        stepLimit = now + limit
        command(for: limit, at: now)
    }

    private mutating func takeDark(at now: Instant) {
        measurement.beginDark()
        acquire(true, lamp: false, at: now)
        // The reference's own liquid flows from here on: by the time the lamp is warm, droplets
        // of solvent pass the detector.
        let tube = settings.rig.deadVolume.microliters * settings.rig.settleResidences
        begin("take a reference", volume: Volume(microliters: tube), at: now) {
            (setpoints, settings) throws(SetpointError) in try setpoints.setReference(settings)
        }
    }

    private mutating func warmLamp(at now: Instant) {
        if let kept = measurement.keepDark(plan: plan) { reports.append(.spectra(kept)) }
        acquire(false, lamp: true, at: now)
    }

    private mutating func takeReference(at now: Instant) {
        measurement.beginReference()
        acquire(true, lamp: true, at: now)
        stepLimit = now + settings.rig.collectLimit
    }

    private mutating func keepReference(at now: Instant) {
        do throws(SpectraError) {
            let kept = try measurement.keepReference(plan: plan)
            reports.append(.spectra(kept))
            conditionsSinceReference = 0
            stepLimit = now + Self.idleGrace
            acquire(false, lamp: true, at: now)
        } catch {
            raise(.reference, 0, .reference(error), at: now)
        }
    }

    private mutating func startRecipe(at now: Instant) {
        guard let order else { return }
        reports.append(.conditionBegan(order))
        beginDroplets(of: order)
        do throws(SetpointError) { try setpoints.set(recipe: order.recipe, settings) } catch {
            finish(.failed(reason: .setpoints(error)), at: now)
            step(.refused, at: now)
            return
        }
        let settle = settleTime
        // Ask for the whole time a condition usually takes; the pump's bound covers the rest.
        let usual = settings.rig.obeyLimit + settle + settle
        let rates = setpoints.rates
        if let short = ledger.firstShort(of: rates, for: usual, slack: Self.boundSlack) {
            holdForRefill(pump: short, at: now)
            return
        }
        stepLimit = now + settings.rig.obeyLimit
        let longest = settings.rig.obeyLimit + settle + settings.rig.collectLimit
        command(for: longest, at: now)
    }

    private var settleTime: TimeSpan {
        let tube = settings.rig.deadVolume.microliters * settings.rig.settleResidences
        return setpoints.total.time(for: Volume(microliters: tube))
    }

    private mutating func settle(at now: Instant) {
        let tube = settings.rig.deadVolume.microliters * settings.rig.settleResidences
        volumeToPass = Volume(microliters: tube)
    }

    private mutating func collect(at now: Instant) {
        measurement.interrupt()
        acquire(true, lamp: true, at: now)
        stepLimit = now + settings.rig.collectLimit
    }

    private mutating func endCondition(because event: RigEvent, at now: Instant) {
        acquire(false, lamp: true, at: now)
        let enough = losses.count >= settings.rig.minimumDroplets
        let why = Words.tooFewDroplets(
            got: losses.count, needed: settings.rig.minimumDroplets,
            saturated: saturatedInCondition, limit: settings.rig.collectLimit)
        finish(enough ? .complete(losses: losses) : .failed(reason: why), at: now)
        conditionsSinceReference += 1
        if settings.rig.stopsBetweenConditions { stopPumps(at: now) }
        stepLimit = now + Self.idleGrace
    }

    /// Tells how the running condition ended, and forgets it.
    mutating func finish(_ outcome: ConditionOutcome, at now: Instant) {
        guard let ended = order else { return }
        sumUpFlags()
        order = nil
        reports.append(.conditionEnded(ended, outcome))
        reportRemaining()
    }

    private mutating func abandon(at now: Instant) {
        stopPumps(at: now)
        acquire(false, lamp: plan?.lampOn ?? false, at: now)
        finish(.abandoned(reason: holdWords), at: now)
    }

    private mutating func makeSafe(at now: Instant) {
        stopPumps(at: now)
        let keepsLamp = plan?.lampOn == true && !demanded.contains(.lampOff)
        acquire(false, lamp: keepsLamp, at: now)
        measurement.forgetReference()
        finish(.abandoned(reason: latestWords ?? "fault"), at: now)
    }

    private mutating func raiseStepFault(at now: Instant) {
        let waited = now - stateSince
        switch state {
        case .starting:
            raiseDisobedience(at: now)
        case .referencing, .darkening:
            raise(.reference, 0, .scans(state, after: waited, measurement.progress), at: now)
        default:
            raise(.stepTime, 0, .step(state, after: waited), at: now)
        }
    }

    /// Some pumps do not do what they were told, and the time for it is over.
    mutating func raiseDisobedience(at now: Instant) {
        var which: UInt64 = 0
        for index in settings.pumps.indices.prefix(64) where !pumpObeys(index) {
            which |= 1 << UInt64(index)
        }
        let late = now - commandedAt
        raise(
            .pumpDisobedient, 0, .disobedience(pumps: pumpNames, which: which, after: late),
            at: now)
    }

    /// Holds because syringe `index` cannot give what the next step needs.
    mutating func holdForRefill(pump index: Int, at now: Instant) {
        hold(
            reason: .refill(pump: pumpNames[index], left: ledger.remaining[index]), at: now)
    }

    /// Holds, now or as soon as the fault that keeps the rig safe is cleared.
    mutating func hold(reason: Words, at now: Instant) {
        holdWords = reason
        holdRequested = true
        step(.hold, at: now)
        reports.append(.event(kind: "hold", text: reason))
    }
}
