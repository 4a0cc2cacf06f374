import Numerics
import Quantities
import Sync

/// Both ends of the protocol that fetches logs, and its messages.
var syncFuzzers: [Fuzzer] {
    [
        Fuzzer(name: "sync/rig", make: SyncFuzz.rig),
        Fuzzer(name: "sync/workstation", make: SyncFuzz.workstation),
        Fuzzer(name: "sync/message", make: SyncFuzz.message),
    ]
}

private enum SyncFuzz {
    static let log = (0..<16).map { UInt8($0) }
    static let hash = [UInt8](repeating: 0x11, count: 32)
    static let entries: [SegmentEntry] = (1...3).map {
        SegmentEntry(
            number: $0, size: 5_000, firstSequence: $0 * 10, records: 10, hash: hash,
            previousHash: hash, contentHash: hash)
    }
    static let requests: [SyncMessage] = [
        .hello(lowest: 1, highest: 1, name: "ws"), .list(after: 0),
        .fetch(log: log, number: 1, offset: 0, length: 5_000),
        .fetch(log: log, number: 2, offset: 4_000, length: 1_000),
        .acknowledge(log: log, number: 1, hash: hash), .list(after: 3), .bye,
    ]
    static let answers: [SyncMessage] = [
        .hello(lowest: 1, highest: 1, name: "rig"),
        .listing(SegmentListing(log: log, entries: entries, hasMore: false)),
        .piece(number: 1, offset: 0, bytes: [UInt8](repeating: 5, count: 60)),
        .piece(number: 1, offset: 60, bytes: [UInt8](repeating: 6, count: 40)),
        .error(code: 4, text: "no segment 2"), .acknowledged(number: 1),
    ]

    /// The originals: the whole conversation, its parts, and its parts without the greeting.
    static func originals(_ messages: [SyncMessage]) -> [[UInt8]] {
        let all = messages.map(\.framed)
        return [all.flatMap { $0 }, all.prefix(3).flatMap { $0 }]
            + all.dropFirst().map { all[0] + $0 }
    }

    /// Changes messages: as a stream, or one message's content with its length put right, so
    /// that what lies behind the framing is reached.
    static func mutated(
        _ originals: [[UInt8]], _ messages: [SyncMessage], _ random: inout SeededGenerator
    ) -> [UInt8] {
        if random.below(3) == 0 { return Mutation.mutated(originals, &random) }
        var stream: [UInt8] = []
        let chosen = random.below(messages.count)
        for (place, message) in messages.enumerated() {
            guard place == chosen else {
                // Most often what comes before is as it must be.
                if place < chosen || random.below(2) == 0 { stream += message.framed }
                continue
            }
            let content = Mutation.mutated([Array(message.framed.dropFirst(4))], &random)
            for shift in [0, 8, 16, 24] {
                stream.append(UInt8(truncatingIfNeeded: content.count >> shift))
            }
            stream += content
        }
        return stream
    }

    /// Whatever a peer says, the rig's end sends well-formed messages, reads no more than a
    /// piece at a time and only what was asked for, bounds what is under way, and ends when told.
    @Sendable static func rig() throws -> Fuzzer.Trial {
        let originals = originals(requests)
        return Fuzzer.Trial(
            input: { mutated(originals, requests, &$0) },
            run: { bytes, random in
                var limits = SyncLimits()
                limits.pieceSize = 512
                limits.bytesInFlight = 2_048
                var played = PlayedRig(limits)
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = min(rest.count, 1 + random.below(1 << random.below(12)))
                    if played.session.wantsInput { played.session.receive(rest.prefix(count)) }
                    rest = rest.dropFirst(count)
                    try played.play(&random)
                }
                played.now = played.now + limits.totalTime
                try played.play(&random)
                for _ in 0..<100 where !played.session.isOver {
                    played.session.sent(played.session.inFlight, at: played.now)
                    try played.play(&random)
                }
                guard played.session.isOver else { throw FuzzFailure("it does not end") }
                return played.answered > 1 ? .accepted : .refused
            })
    }

    private struct PlayedRig {
        var session: RigSession
        let limits: SyncLimits
        var now = Instant.zero
        var frames = FrameReader(limit: SyncMessage.replyLimit)
        var answered = 0

        init(_ limits: SyncLimits) {
            self.limits = limits
            session = RigSession(name: "rig", limits: limits, at: .zero)
        }

        mutating func play(_ random: inout SeededGenerator) throws {
            var steps = 0
            while let output = session.next(at: now) {
                steps += 1
                guard steps < 100_000 else { throw FuzzFailure("it goes on for ever") }
                try carryOut(output, &random)
                let bound = limits.bytesInFlight + SyncMessage.listingLimit * 160
                guard session.inFlight <= bound else {
                    throw FuzzFailure("\(session.inFlight) bytes are under way")
                }
                if random.below(4) == 0 {
                    session.sent(random.below(1_024), at: now)
                    now = now + .milliseconds(Int64(random.below(1_000)))
                }
            }
        }

        private mutating func carryOut(
            _ output: RigSession.Output, _ random: inout SeededGenerator
        ) throws {
            let refusal = RigSession.Refusal(.disk, "no")
            let fails = random.below(16) == 0
            switch output {
            case .send(let bytes):
                frames.append(bytes)
                while let bytes = try frames.next() {
                    if case .error = try SyncMessage(bytes) { continue }
                    answered += 1
                }
            case .list(let after):
                let some = entries.filter { $0.number > after }
                let listing = SegmentListing(log: log, entries: some, hasMore: false)
                session.listed(fails ? .failure(refusal) : .success(listing))
            case .read(_, _, let offset, let count):
                guard count > 0, count <= limits.pieceSize, offset <= UInt64(Int64.max) else {
                    throw FuzzFailure("\(count) bytes at \(offset) are to be read")
                }
                let end = Int(clamping: min(offset, 5_000))
                let bytes = [UInt8](repeating: 0, count: min(count, 5_000 - end))
                session.read(fails ? .failure(refusal) : .success(bytes))
            case .acknowledge: session.acknowledged(fails ? .failure(refusal) : .success(()))
            case .close: break
            }
        }
    }

    /// Whatever a rig says, the workstation's end hands on only what was asked for, in order.
    @Sendable static func workstation() throws -> Fuzzer.Trial {
        let originals = originals(answers)
        return Fuzzer.Trial(
            input: { mutated(originals, answers, &$0) },
            run: { bytes, random in
                var session = PullSession(name: "ws", answerTime: .seconds(1), at: .zero)
                try session.list(after: 0, at: .zero)
                try session.fetch(log: log, number: 1, offset: 0, length: 100, at: .zero)
                try session.fetch(log: log, number: 2, offset: 0, length: 100, at: .zero)
                try session.acknowledge(log: log, number: 1, hash: hash, at: .zero)
                var next: [UInt64: UInt64] = [1: 0, 2: 0]
                var events = 0
                var rest = bytes[...]
                do {
                    while !rest.isEmpty {
                        let count = min(rest.count, 1 + random.below(1 << random.below(12)))
                        session.receive(rest.prefix(count))
                        rest = rest.dropFirst(count)
                        while let event = try session.next(at: .zero) {
                            events += 1
                            try check(event, &next)
                        }
                    }
                } catch is SessionError {}
                guard session.requests + events >= 0, session.requests <= 5 else {
                    throw FuzzFailure("\(session.requests) requests are open")
                }
                return events > 1 ? .accepted : .refused
            })
    }

    private static func check(
        _ event: PullSession.Event, _ next: inout [UInt64: UInt64]
    ) throws {
        switch event {
        case .piece(let number, let offset, let bytes, let isLast):
            guard next[number] == offset, !bytes.isEmpty else {
                throw FuzzFailure("a piece of \(number) at \(offset) was not asked for")
            }
            let end = offset + UInt64(bytes.count)
            guard end <= 100, isLast == (end == 100) else {
                throw FuzzFailure("pieces of \(number) up to \(end)")
            }
            next[number] = end
        case .listed(let listing):
            let numbers = listing.entries.map(\.number)
            guard numbers == numbers.sorted(), numbers.allSatisfy({ $0 > 0 }) else {
                throw FuzzFailure("segments \(numbers)")
            }
        case .acknowledged(let number):
            guard number == 1 else { throw FuzzFailure("\(number) is acknowledged") }
        case .welcomed, .refused: break
        }
    }

    /// One message alone. What is understood has one encoding.
    @Sendable static func message() throws -> Fuzzer.Trial {
        let originals = (requests + answers).map { Array($0.framed.dropFirst(4)) }
        return Fuzzer.Trial(
            input: { Mutation.mutated(originals, &$0) },
            run: { bytes, _ in
                do {
                    let message = try SyncMessage(bytes)
                    let once = Array(message.framed.dropFirst(4))
                    guard try SyncMessage(once) == message else {
                        throw FuzzFailure("it reads back as something else")
                    }
                    return .accepted
                } catch is MessageError {
                    return .refused
                }
            })
    }
}
