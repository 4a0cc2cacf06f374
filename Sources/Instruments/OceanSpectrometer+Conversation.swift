import Quantities

/// What replies mean, and what follows when they do not come.
extension OceanSpectrometer {
    /// Takes bytes while a question is out.
    mutating func take(_ bytes: ArraySlice<UInt8>, for errand: Errand, at now: Instant) {
        if errand == .scan, reader.isFresh, isTooSoon(bytes, at: now) {
            // Behind a fence there is no earlier scan: if this one is good, the unit exposes
            // all the time.
            guard isFenced else {
                let why = "a scan came sooner than its exposure lasts: an earlier one, repeated"
                let received = Array(bytes.prefix(OceanLimits.reported))
                return fail(.garbled(command: "S", received: received, why: why), at: now)
            }
            cameSoon = true
        }
        var index = bytes.startIndex
        let outcome = reader.take(bytes, from: &index)
        if case .incomplete = outcome { return }
        finish(errand, outcome, rest: bytes[index...], at: now)
    }

    private mutating func finish(
        _ errand: Errand, _ outcome: OceanReplyReader.Outcome, rest: ArraySlice<UInt8>,
        at now: Instant
    ) {
        // What came is asked for where it is told: held any longer, the reader would have to
        // leave it to us and get new room for the next reply.
        let name = commandName(errand)
        switch outcome {
        case .incomplete: return
        case .garbled(let why):
            return fail(.garbled(command: name, received: reader.received, why: why), at: now)
        case .disagrees(let expected):
            isConfigured = false
            return fail(
                .disobeyed(command: name, expected: expected, received: reader.received), at: now)
        case .scan:
            deliver(reader.counts, at: now)
            if rest.isEmpty { return resume(at: now) }
            return failAfterReply(rest, name, at: now)
        case .legible:
            return leaveASCII(errand, reader.received, at: now)
        case .constant:
            // The text may be followed by padding, which is drained before the next question.
            return settle(errand, outcome, at: now)
        case .refused where errand == .configure && toleratesRefusal:
            // A letter it does not know leaves its WORD behind, refused byte by byte: drained.
            return settle(errand, outcome, at: now)
        case .acknowledged, .refused, .word:
            guard rest.isEmpty else { return failAfterReply(rest, name, at: now) }
            return settle(errand, outcome, at: now)
        }
    }

    /// A reply was followed by bytes: it was doubled, or belongs to something else.
    private mutating func failAfterReply(
        _ rest: ArraySlice<UInt8>, _ name: String, at now: Instant
    ) {
        let error = InstrumentError.garbled(
            command: name, received: Array(rest.prefix(OceanLimits.reported)),
            why: "more bytes than the reply has")
        if case .asking(.scan) = phase { phase = .resting }
        fail(error, at: now)
    }

    private mutating func leaveASCII(_ errand: Errand, _ received: [UInt8], at now: Instant) {
        guard errand == .probe else {
            return fail(
                .garbled(command: "v", received: received, why: "the answer is text"), at: now)
        }
        probeError = .garbled(
            command: "v", received: received, why: "the answer is text and stays so after bB")
        drain(then: .leaveASCII, at: now)
    }

    /// A well-formed reply to anything but `S`.
    private mutating func settle(
        _ errand: Errand, _ outcome: OceanReplyReader.Outcome, at now: Instant
    ) {
        switch (errand, outcome) {
        case (.configure, _): settleOrder(outcome, at: now)
        case (.scan, _):
            // What a damaged command left behind in `M` or `N` refuses every scan (DEVICES 6).
            isConfigured = false
            mustResetStorage = true
            fail(
                .refused(command: "S", reason: "ETX", received: reader.received), at: now)
        case (.probe, .word(let number)): found(version: number, at: now)
        case (.askSpeed, .acknowledged): changeSpeed(at: now)
        case (.confirmSpeed, .acknowledged): begin(.checkSpeed, at: now)
        case (.checkSpeed, .word(let number)) where number == version:
            goodBaud = baud
            resume(at: now)
        case (.fence, .word(let number)) where number == version:
            enter(.listening, until: now + OceanLimits.fenceSilence)
        case (.check, .word(let number)) where number == version:
            failures = 0
            resume(at: now)
        case (_, .word):
            fail(
                .garbled(
                    command: "v", received: reader.received, why: "not the version it told before"),
                at: now)
        default:
            fail(
                .refused(
                    command: commandName(errand), reason: "NAK", received: reader.received),
                at: now)
        }
    }

    /// The reply did not come in time, or not all of it.
    mutating func handleSilence(_ errand: Errand, at now: Instant) {
        fail(.noReply(command: commandName(errand), received: reader.received), at: now)
    }

    /// One failure, whatever it was: report, drain, put up the fence; after too many in a row,
    /// start over from the search.
    mutating func fail(_ error: InstrumentError, at now: Instant) {
        if case .asking(let errand) = phase {
            switch errand {
            case .probe, .leaveASCII: return probeFailed(error, at: now)
            case .askSpeed, .confirmSpeed, .checkSpeed: return speedChangeBroke(error, at: now)
            case .scan: emit(.frameMissed(error), at: now)
            case .configure, .fence, .check: emit(.trouble(error), at: now)
            }
        } else {
            emit(.trouble(error), at: now)
        }
        failures += 1
        if failures >= OceanLimits.failures { return lose(error, pausing: false, at: now) }
        drain(then: .fence, at: now)
    }

    /// The command an errand has on the wire, for reports.
    func commandName(_ errand: Errand) -> String {
        switch errand {
        case .probe, .checkSpeed, .fence, .check: "v"
        case .leaveASCII: "bB"
        case .askSpeed, .confirmSpeed: "K"
        case .configure: orderIndex < orders.count ? orders[orderIndex].name : "configuration"
        case .scan: "S"
        }
    }
}
