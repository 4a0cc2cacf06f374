import Quantities

/// The part of a pump line that does not depend on the dialect: whose turn it is, what is on the
/// wire, whose reply came, and what to do when it did not.
struct PumpLineCore<Talk: PumpTalk> {
    /// Events kept for an owner that does not take them; the oldest are dropped beyond.
    static var eventLimit: Int { 256 }
    /// Room for what waits to be written: a few questions.
    private static var outputRoom: Int { 512 }
    /// Bytes kept of a reply, for the message that says what went wrong.
    static var heardLimit: Int { 64 }

    var output: [UInt8] = []
    var events: [InstrumentEvent] = []
    private(set) var talks: [Talk]
    private(set) var exchange: Exchange
    private var reader = Talk.Reader()
    /// The question on the wire, or the last one.
    private var asked: (pump: Int, ask: Talk.Ask)?
    /// What came since it was asked.
    private var heard: [UInt8] = []
    /// Questions to pumps that answered before, one after the other, without a single byte on the
    /// line since.
    private var silences = 0
    /// Whose turn it is among equals.
    private var turn = 0
    /// When the line was last looked at.
    private var clock = Instant.zero
    /// Every pump is told to stop as soon as the line is open, before any is asked anything.
    var stopsFirst = false

    init(talks: [Talk], timing: ExchangeTiming) {
        self.talks = talks
        exchange = Exchange(timing: timing)
        // Room for everything, once: a line that talks does not use the heap.
        output.reserveCapacity(Self.outputRoom)
        events.reserveCapacity(Self.eventLimit)
        heard.reserveCapacity(Self.heardLimit)
    }

    /// The first `count` bytes of `output` were written.
    mutating func removeOutput(_ count: Int) {
        output.removeFirst(min(max(count, 0), output.count))
    }

    /// Moves the events into `events`.
    mutating func takeEvents(into events: inout [InstrumentEvent]) {
        for event in self.events { events.append(event) }
        self.events.removeAll(keepingCapacity: true)
    }

    /// Bytes kept of what arrived; bounded whatever arrives.
    var heldCount: Int { reader.heldCount + heard.count }

    func state(_ index: Int) -> PumpState {
        talks.indices.contains(index) ? talks[index].record.state : PumpState()
    }

    /// When `advance` must be called next. Kept, because owners look far more often than
    /// anything changes: every mutating call ends in `plan`.
    private(set) var deadline = Instant.distantFuture

    private mutating func plan() {
        switch exchange.phase {
        case .closed: deadline = .distantFuture
        case .awaiting, .draining: deadline = exchange.deadline
        case .idle(let from):
            var soonest = Instant.distantFuture
            for index in talks.indices {
                let next = talks[index].next
                // A search that may not happen now waits for the exchange that lets it.
                guard next.urgency != .search || maySearch(at: max(next.from, clock))
                else { continue }
                soonest = min(soonest, next.from)
            }
            deadline = max(from, soonest)
        }
    }

    mutating func lineOpened(at now: Instant) {
        defer { plan() }
        output.removeAll(keepingCapacity: true)
        reader.reset()
        asked = nil
        silences = 0
        heard.removeAll(keepingCapacity: true)
        for index in talks.indices {
            talks[index].lineOpened(at: now)
            collectNews(of: index, at: now)
        }
        if stopsFirst {
            for index in talks.indices { talks[index].stopBlindly(into: &output) }
        }
        // What the line still carries was meant for somebody else, and what pumps say to a blind
        // stop collides: nothing of it counts.
        exchange.drain(afterSilence: false, at: now)
    }

    mutating func lineClosed(at now: Instant) {
        defer { plan() }
        guard exchange.phase != .closed else { return }
        exchange.close()
        output.removeAll(keepingCapacity: true)
        reader.reset()
        asked = nil
        lineMissing(at: now)
    }

    mutating func lineMissing(at now: Instant) {
        for index in talks.indices {
            talks[index].lineClosed(at: now)
            collectNews(of: index, at: now)
        }
    }

    mutating func setGoal(_ goal: PumpGoal, pump index: Int, at now: Instant) {
        defer { plan() }
        guard talks.indices.contains(index) else { return }
        talks[index].setGoal(goal, at: now)
        collectNews(of: index, at: now)
        speak(at: now, preferring: index)
    }

    mutating func acknowledgeAlarm(pump index: Int, at now: Instant) {
        defer { plan() }
        guard talks.indices.contains(index) else { return }
        talks[index].acknowledgeAlarm(at: now)
        collectNews(of: index, at: now)
        speak(at: now)
    }

    mutating func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) {
        defer { plan() }
        guard exchange.phase != .closed else { return }
        if !bytes.isEmpty { silences = 0 }
        for byte in bytes {
            exchange.heard(at: now)
            if heard.count < Self.heardLimit { heard.append(byte) }
            switch reader.push(byte, at: now) {
            case nil: continue
            case .reply(let reply): take(reply, at: now)
            case .garbage(let why): takeGarbage(why, at: now)
            }
        }
        speak(at: now)
    }

    mutating func advance(to now: Instant) {
        defer { plan() }
        if exchange.isOverdue(at: now), let asked {
            let error = InstrumentError.noReply(command: title, received: heard)
            let isSilence = heard.isEmpty && talks[asked.pump].record.state.link != .absent
            fail(error, pump: asked.pump, at: now)
            if isSilence { noteSilence(error, at: now) }
        }
        switch exchange.endDrain(at: now) {
        case nil: break
        case .quiet: reader.reset()
        case .neverQuiet:
            reader.reset()
            let error = InstrumentError.garbled(
                command: title, received: heard, why: "the line never falls silent")
            countAgainst(asked?.pump ?? turn, error, at: now)
        }
        speak(at: now)
    }
}

// MARK: - Hearing

extension PumpLineCore {
    /// A complete reply arrived.
    private mutating func take(_ reply: Talk.Reader.Reply, at now: Instant) {
        if case .awaiting = exchange.phase, let asked {
            if reply.address == talks[asked.pump].address {
                return answer(reply, to: asked.ask, pump: asked.pump, at: now)
            }
            guard !overhear(reply, at: now) else { return }
            let error = InstrumentError.wrongAddress(
                expected: talks[asked.pump].address, received: heard)
            return fail(error, pump: asked.pump, at: now)
        }
        // A late reply may be the only one that carries an alarm: its news count, it does not.
        guard !overhear(reply, at: now), case .idle = exchange.phase else { return }
        unasked("more than one reply to one question", at: now)
    }

    private mutating func takeGarbage(_ why: String, at now: Instant) {
        switch exchange.phase {
        case .awaiting:
            guard let asked else { return }
            let error = InstrumentError.garbled(command: title, received: heard, why: why)
            fail(error, pump: asked.pump, at: now)
        case .idle: unasked(why, at: now)
        case .draining, .closed: break
        }
    }

    private mutating func answer(
        _ reply: Talk.Reader.Reply, to ask: Talk.Ask, pump index: Int, at now: Instant
    ) {
        do throws(InstrumentError) {
            if try talks[index].heard(reply, to: ask, bytes: heard, at: now) {
                exchange.settle(at: now)
            } else {
                exchange.drain(afterSilence: false, at: now)
            }
            collectNews(of: index, at: now)
        } catch {
            fail(error, pump: index, at: now)
        }
    }

    /// Whether a pump of this line said `reply` of its own accord.
    private mutating func overhear(_ reply: Talk.Reader.Reply, at now: Instant) -> Bool {
        guard reply.isNews, let index = talks.firstIndex(where: { $0.address == reply.address })
        else { return false }
        talks[index].overheard(reply, at: now)
        collectNews(of: index, at: now)
        return true
    }

    /// Something arrived while nothing was asked: say so and wait for silence.
    private mutating func unasked(_ why: String, at now: Instant) {
        let error = InstrumentError.garbled(command: title, received: heard, why: why)
        if let asked { report(.trouble(error), of: asked.pump, at: now) }
        exchange.drain(afterSilence: false, at: now)
    }
}

// MARK: - Failing and reporting

extension PumpLineCore {
    private var title: String {
        asked.map { talks[$0.pump].title($0.ask) } ?? "nothing"
    }

    private mutating func fail(_ error: InstrumentError, pump index: Int, at now: Instant) {
        var isSilence = false
        if case .noReply = error { isSilence = true }
        exchange.drain(afterSilence: isSilence, at: now)
        countAgainst(index, error, at: now)
    }

    /// As many silences as lose a pump lose all pumps of a line on which nobody says anything:
    /// asked in turn, they would be lost one by one, and many times later.
    private mutating func noteSilence(_ error: InstrumentError, at now: Instant) {
        silences += 1
        guard silences >= PumpRecord.silenceLimit else { return }
        for index in talks.indices where talks[index].record.state.link != .absent {
            talks[index].lose(error, at: now)
            collectNews(of: index, at: now)
        }
    }

    private mutating func countAgainst(_ index: Int, _ error: InstrumentError, at now: Instant) {
        guard talks.indices.contains(index), let asked else { return }
        talks[index].failed(asked.ask, error, at: now)
        collectNews(of: index, at: now)
    }

    private mutating func collectNews(of index: Int, at now: Instant) {
        guard !talks[index].record.news.isEmpty else { return }
        for kind in talks[index].record.news { report(kind, of: index, at: now) }
        talks[index].record.news.removeAll(keepingCapacity: true)
    }

    private mutating func report(_ kind: InstrumentEvent.Kind, of index: Int, at now: Instant) {
        if events.count >= Self.eventLimit {
            // Troubles are many and explain; the other kinds decide.
            let old = events.firstIndex { event in
                if case .trouble = event.kind { return true }
                return false
            }
            events.remove(at: old ?? 0)
        }
        let name = talks[index].record.name
        events.append(InstrumentEvent(instrument: name, at: now, kind: kind))
    }
}

// MARK: - Speaking

extension PumpLineCore {
    /// Whether a pump may be searched for at `now`: only when no other pump's dead-man timer can
    /// run out while nobody answers.
    private func maySearch(at now: Instant) -> Bool {
        let end = now + exchange.timing.replyTimeout * 2
        return talks.allSatisfy { $0.mustSpeakBy > end }
    }

    /// Puts the most urgent question on the wire when the line is free for it; a stop of pump
    /// `preferred` at once.
    private mutating func speak(at now: Instant, preferring preferred: Int? = nil) {
        clock = now
        guard let (index, ask) = choose(at: now, preferring: preferred) else { return }
        if case .draining = exchange.phase {
            // Only a stop gets here; its reply is told from the late one by its address.
            reader.reset()
        }
        let expectsReply = talks[index].write(ask, into: &output)
        asked = (index, ask)
        heard.removeAll(keepingCapacity: true)
        turn = (index + 1) % talks.count
        if expectsReply {
            exchange.ask(at: now)
        } else {
            exchange.drain(afterSilence: false, at: now)
        }
        talks[index].sent(ask, at: now)
    }

    /// Whose question is asked now, and which, if any: the most urgent; among equals, in turn.
    private func choose(at now: Instant, preferring preferred: Int?) -> (Int, Talk.Ask)? {
        let isFree = exchange.maySpeak(at: now)
        var isDraining = false
        if case .draining = exchange.phase { isDraining = true }
        guard isFree || isDraining else { return nil }
        // Nothing is more urgent than a stop: what the others would say, with all the numbers in
        // it, need not be worked out first. That takes 3 us where no cache has the code.
        if let preferred, let next = sayable(preferred, isFree: isFree, at: now),
            next.urgency == .stop
        {
            return (preferred, next.ask)
        }
        var best: (index: Int, next: NextAsk<Talk.Ask>)?
        for offset in talks.indices {
            let index = (turn + offset) % talks.count
            guard let next = sayable(index, isFree: isFree, at: now) else { continue }
            if best.map({ next.urgency > $0.next.urgency }) ?? true { best = (index, next) }
        }
        return best.map { ($0.index, $0.next.ask) }
    }

    /// What pump `index` has to say, if it may be said now. On a line that is not free only a stop
    /// may, to another pump than the one whose reply is late.
    private func sayable(_ index: Int, isFree: Bool, at now: Instant) -> NextAsk<Talk.Ask>? {
        let next = talks[index].next
        guard next.from <= now else { return nil }
        guard isFree || next.urgency == .stop && asked.map({ $0.pump != index }) ?? false
        else { return nil }
        guard next.urgency != .search || maySearch(at: now) else { return nil }
        return next
    }
}
