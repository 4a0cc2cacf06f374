import Quantities

/// Finding the instrument and agreeing on a speed.
extension OceanSpectrometer {
    /// Everything known of the instrument is stale.
    mutating func forget() {
        isReady = false
        wavelengths = []
        version = nil
        isConfigured = false
        coefficients = []
        applied = nil
        discardsNext = true
        isFenced = false
        isFreeRunning = !options.exposesOnRequest
    }

    /// Starts a search: the speed that last worked, then the other one. An instrument may still
    /// be at the working speed from an earlier session, or back at its own after a power cut.
    mutating func search(at now: Instant) {
        beginSearch(from: goodBaud ?? options.baud)
        drain(then: .probe, at: now)
    }

    private mutating func beginSearch(from first: Int) {
        speeds = [first]
        for other in [options.baud, options.workingBaud] where !speeds.contains(other) {
            speeds.append(other)
        }
        probes = 0
        probeError = nil
        baud = first
    }

    /// Starts what `errand` stands for.
    mutating func begin(_ errand: Errand, at now: Instant) {
        switch errand {
        case .probe: probe(at: now)
        case .leaveASCII:
            // Whatever comes back (echo, text, ACK) says nothing that `v` does not say better.
            output.removeAll(keepingCapacity: true)
            output.append(contentsOf: OceanCommand.binaryMode)
            drain(then: .probe, at: now)
        case .askSpeed, .confirmSpeed:
            guard let code = OceanCommand.speedCode(options.workingBaud) else {
                return resume(at: now)
            }
            ask(OceanCommand.set("K", code), .acknowledgement, for: errand, at: now)
        case .checkSpeed, .fence, .check:
            ask(OceanCommand.version, .version, for: errand, at: now)
        case .configure: askOrder(at: now)
        case .scan: startScan(at: now)
        }
    }

    private mutating func probe(at now: Instant) {
        let place = probes / OceanLimits.probesPerSpeed
        guard place < speeds.count else {
            return lose(
                probeError ?? .noReply(command: "v", received: []), pausing: true, at: now)
        }
        if baud != speeds[place] {
            baud = speeds[place]
            return drain(then: .probe, at: now)
        }
        probes += 1
        ask(OceanCommand.version, .version, for: .probe, at: now)
    }

    /// A `v` of the search failed.
    mutating func probeFailed(_ error: InstrumentError, at now: Instant) {
        // The most telling failure is kept: an answer says more than silence.
        if case .noReply(_, let received) = error, received.isEmpty, probeError != nil {
        } else {
            probeError = error
        }
        drain(then: .probe, at: now)
    }

    /// The instrument answered `v` at this speed.
    mutating func found(version number: UInt16, at now: Instant) {
        version = number
        goodBaud = baud
        if baud == options.workingBaud || speedChangeFailed {
            return resume(at: now)
        }
        guard OceanCommand.speedCode(options.workingBaud) != nil else {
            speedChangeFailed = true
            let why = "there is no code for \(options.workingBaud) baud"
            emit(.trouble(.refused(command: "K", reason: why, received: [])), at: now)
            return resume(at: now)
        }
        begin(.askSpeed, at: now)
    }

    /// The first `K` was accepted: both ends change, and the host waits before it confirms.
    mutating func changeSpeed(at now: Instant) {
        baud = options.workingBaud
        enter(.pausing(.confirmSpeed), until: now + OceanLimits.speedSettle)
    }

    /// Any deviation from the handshake makes the instrument restore its old speed. Go on there;
    /// should it have changed all the same, the search finds it.
    mutating func speedChangeBroke(_ error: InstrumentError, at now: Instant) {
        speedChangeFailed = true
        emit(.trouble(error), at: now)
        beginSearch(from: goodBaud ?? options.baud)
        drain(then: .probe, at: now)
    }

    /// The instrument does not answer usefully any more.
    mutating func lose(_ error: InstrumentError, pausing: Bool, at now: Instant) {
        forget()
        failures = 0
        speedChangeFailed = false
        if !lossReported { emit(.lost(error), at: now) }
        lossReported = true
        beginSearch(from: goodBaud ?? options.baud)
        if pausing {
            enter(.pausing(.probe), until: now + OceanLimits.reconnectPause)
        } else {
            drain(then: .probe, at: now)
        }
    }
}
