import Quantities

/// Configuring, and one scan after the other.
extension OceanSpectrometer {
    /// Nothing is out and nothing is on its way: do what is due.
    mutating func resume(at now: Instant) {
        let plan = soundPlan
        guard isConfigured else {
            applied = nil
            return configure(plan, from: baseOrders, at: now)
        }
        guard let plan else {
            return enter(.resting, until: now + OceanLimits.restCheck)
        }
        if plan != applied { return configure(plan, from: [], at: now) }
        if plan.isAcquiring { return startScan(at: now) }
        enter(.resting, until: now + OceanLimits.restCheck)
    }

    /// What is wanted, when it can be asked of this detector.
    private var soundPlan: AcquisitionPlan? {
        guard let wanted, OceanScanRequest(wanted, pixelCount: options.pixelCount) != nil else {
            return nil
        }
        return wanted
    }

    // MARK: - Configuration

    /// What every session needs, whatever the plan: known coding, no averaging that would hide
    /// clipped scans, free trigger, and the calibration.
    private var baseOrders: [OceanOrder] {
        let compression: UInt16 = options.compression ? 1 : 0
        let checksum: UInt16 = options.checksum ? 1 : 0
        var orders: [OceanOrder] = [
            .set("G", compression), .set("k", checksum), .set("A", 1), .set("B", 0),
            .set("T", 0, mayRefuse: true), .verify("A", is: 1), .verify("B", is: 0),
        ]
        if mustResetStorage {
            orders += [.set("M", 0, mayRefuse: true), .set("N", 1, mayRefuse: true)]
        }
        if options.wavelengthCoefficients.isEmpty, wavelengths.isEmpty {
            for index in 1...UInt16(OceanCalibration.count) { orders.append(.constant(index)) }
        }
        return orders
    }

    private mutating func configure(
        _ plan: AcquisitionPlan?, from base: [OceanOrder], at now: Instant
    ) {
        // In the room that is there: the lamp changes while droplets flow.
        orders.removeAll(keepingCapacity: true)
        orders.append(contentsOf: base)
        orderIndex = 0
        configuring = plan
        coefficients = []
        if let plan, let request = OceanScanRequest(plan, pixelCount: options.pixelCount) {
            if applied?.lampOn != plan.lampOn { orders.append(plan.lampOn ? .lampOn : .lampOff) }
            if applied?.integration != plan.integration {
                orders.append(.set("I", request.milliseconds))
                orders.append(.verify("I", is: request.milliseconds))
            }
            let before = applied.flatMap {
                OceanScanRequest($0, pixelCount: options.pixelCount)
            }
            if before == nil || before?.firstPixel != request.firstPixel
                || before?.lastPixel != request.lastPixel
                || before?.pixelStep != request.pixelStep
            {
                orders.append(.pixels(request))
            }
        }
        // From here until the last order is done the settings are a mixture.
        applied = nil
        begin(.configure, at: now)
    }

    mutating func askOrder(at now: Instant) {
        guard orderIndex < orders.count else { return configurationDone(at: now) }
        let order = orders[orderIndex]
        ask(order.bytes, order.shape, for: .configure, at: now)
    }

    /// Whether the order that is out may be unknown to the model.
    var toleratesRefusal: Bool { orderIndex < orders.count && orders[orderIndex].mayRefuse }

    mutating func settleOrder(_ outcome: OceanReplyReader.Outcome, at now: Instant) {
        guard orderIndex < orders.count else { return }
        let order = orders[orderIndex]
        switch outcome {
        case .refused where !order.mayRefuse:
            return fail(
                .refused(command: order.name, reason: "NAK", received: reader.received), at: now)
        case .refused:
            orderIndex += 1
            return drain(then: .configure, at: now)
        case .word(let value) where order.expected != nil && value != order.expected:
            isConfigured = false
            return fail(
                .disobeyed(
                    command: order.name, expected: "\(order.expected ?? 0)",
                    received: reader.received),
                at: now)
        case .constant(let text):
            guard let number = OceanCalibration.number(in: text) else {
                return fail(
                    .garbled(
                        command: order.name, received: reader.received, why: "not a number"),
                    at: now)
            }
            coefficients.append(number)
            orderIndex += 1
            return drain(then: .configure, at: now)
        default: break
        }
        orderIndex += 1
        askOrder(at: now)
    }

    private mutating func configurationDone(at now: Instant) {
        if wavelengths.isEmpty {
            let configured = options.wavelengthCoefficients
            guard
                let all = OceanCalibration.wavelengths(
                    coefficients: configured.isEmpty ? coefficients : configured,
                    pixelCount: options.pixelCount)
            else {
                let why = "wavelengths do not rise from pixel to pixel; configure coefficients"
                let error = InstrumentError.garbled(command: "?x", received: [], why: why)
                return lose(error, pausing: true, at: now)
            }
            wavelengths = all
        }
        isConfigured = true
        mustResetStorage = false
        applied = configuring
        discardsNext = true
        if !isReady {
            isReady = true
            lossReported = false
            emit(.identified(identity), at: now)
            emit(.ready, at: now)
        }
        resume(at: now)
    }

    /// `v` answers 1020 for version 1.02.0.
    private var identity: String {
        let number = Int(version ?? 0)
        let middle = number / 10 % 100
        let text = "\(number / 1_000).\(middle < 10 ? "0" : "")\(middle).\(number % 10)"
        return "Ocean spectrometer, firmware \(text), \(baud) baud"
    }

    // MARK: - Scans

    var coding: OceanFrameDecoder.Coding {
        OceanFrameDecoder.Coding(
            header: options.header, compression: options.compression, checksum: options.checksum,
            firstPixelIsEscaped: options.firstPixelIsEscaped)
    }

    mutating func startScan(at now: Instant) {
        guard let applied,
            let request = OceanScanRequest(applied, pixelCount: options.pixelCount)
        else { return resume(at: now) }
        cameSoon = false
        let size = OceanFrameDecoder.largestSize(request, coding: coding)
        let transfer = OceanCommand.transferTime(bytes: size, baud: baud)
        reader.expectScan(request, coding: coding)
        ask(
            OceanCommand.acquire, .scan, for: .scan, allowance: request.integration + transfer,
            at: now)
    }

    /// Whether a scan that begins now cannot be the one asked for last.
    func isTooSoon(_ bytes: ArraySlice<UInt8>, at now: Instant) -> Bool {
        guard !isFreeRunning, bytes.first == OceanCommand.scanFollows, let applied else {
            return false
        }
        let percent = 100 - OceanLimits.clockTolerancePercent
        let least = applied.integration.nanoseconds / 100 * percent
        return now - sentAt < TimeSpan(nanoseconds: least)
    }

    /// Hands a good scan to the owner, unless it is the first after a change or of a plan that
    /// has been replaced meanwhile.
    mutating func deliver(_ counts: [UInt16], at now: Instant) {
        failures = 0
        isFenced = false
        if cameSoon { isFreeRunning = true }
        guard let applied, wanted == applied else { return }
        guard !discardsNext else {
            discardsNext = false
            return
        }
        let maximum = counts.max() ?? 0
        let frame = SpectrometerFrame(
            counts: counts, plan: applied, requestedAt: sentAt, receivedAt: now,
            maximumCount: maximum, isSaturated: Int(maximum) >= options.saturationLevel)
        emit(.frame(frame), at: now)
    }
}
