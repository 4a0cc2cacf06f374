import Quantities
import Sync
import Testing

/// A rig's session with a source that has one segment of zeros, and what it sent.
struct PlayedRig {
    var session: RigSession
    var now = Instant.zero
    var said: [SyncMessage] = []
    var reads: [(offset: UInt64, count: Int)] = []
    var closed: String?
    private var frames = FrameReader(limit: SyncMessage.replyLimit)

    init(_ limits: SyncLimits = SyncLimits()) {
        session = RigSession(name: "rig", limits: limits, at: .zero)
    }

    mutating func tell(_ messages: SyncMessage...) throws {
        for message in messages { session.receive(message.framed) }
        try play()
    }

    /// Carries out what the session wants; what it sends stays under way.
    mutating func play() throws {
        while let output = session.next(at: now) {
            switch output {
            case .send(let bytes):
                frames.append(bytes)
                while let message = try frames.next() { said.append(try SyncMessage(message)) }
            case .list:
                session.listed(
                    .success(SegmentListing(log: ProtocolTests.log, entries: [], hasMore: false)))
            case .read(_, _, let offset, let count):
                reads.append((offset, count))
                session.read(.success([UInt8](repeating: 0, count: count)))
            case .acknowledge: session.acknowledged(.success(()))
            case .close(let because): closed = because
            }
        }
    }

    mutating func advance(_ seconds: Double) throws {
        now = now + .seconds(seconds)
        try play()
    }

    var lastCode: UInt64? {
        if case .error(let code, _) = said.last { code } else { nil }
    }
}

@Suite struct RigSessionTests {
    let hello = SyncMessage.hello(lowest: 1, highest: 3, name: "ws")
    let log = ProtocolTests.log

    @Test func nothingBeforeHello() throws {
        for message in [
            SyncMessage.list(after: 0), .fetch(log: log, number: 1, offset: 0, length: 1),
            .acknowledge(log: log, number: 1, hash: ProtocolTests.ones),
            .acknowledged(number: 1), .error(code: 1, text: ""),
        ] {
            var rig = PlayedRig()
            try rig.tell(message)
            #expect(rig.lastCode == 3 && rig.closed != nil)
            #expect(rig.session.isOver)
        }
    }

    @Test func versionsMustMeet() throws {
        for (low, high, code) in [(1, 1, nil), (1, 9, nil), (2, 9, 2), (0, 0, 2), (2, 1, 2)]
            as [(UInt64, UInt64, UInt64?)]
        {
            var rig = PlayedRig()
            try rig.tell(.hello(lowest: low, highest: high, name: ""))
            #expect(rig.lastCode == code)
            #expect((rig.closed == nil) == (code == nil))
        }
    }

    @Test func secondHelloAndAnswersEndIt() throws {
        for message in [hello, .acknowledged(number: 1), .piece(number: 1, offset: 0, bytes: [1])] {
            var rig = PlayedRig()
            try rig.tell(hello, message)
            #expect(rig.lastCode == 3 && rig.closed != nil)
        }
    }

    @Test func badRangesAreRefusedAndItGoesOn() throws {
        var rig = PlayedRig()
        try rig.tell(hello)
        for (offset, length) in [(0, 0), (.max, 1), (1 << 63, 1), (1, UInt64(Int64.max))]
            as [(UInt64, UInt64)]
        {
            try rig.tell(.fetch(log: log, number: 1, offset: offset, length: length))
            #expect(rig.lastCode == 3 && rig.closed == nil)
        }
        #expect(rig.reads.isEmpty)
        try rig.tell(.list(after: .max))
        #expect(rig.said.last == .listing(SegmentListing(log: log, entries: [], hasMore: false)))
    }

    @Test func piecesStopWhereEnoughIsUnderWay() throws {
        var limits = SyncLimits()
        limits.pieceSize = 1_000
        limits.bytesInFlight = 3_000
        var rig = PlayedRig(limits)
        try rig.tell(hello, .fetch(log: log, number: 1, offset: 5, length: 10_500), .list(after: 0))
        rig.session.sent(rig.session.inFlight, at: rig.now)
        try rig.play()
        var rounds = 0
        while rig.session.inFlight > 0 {
            #expect(rig.session.inFlight < 3_000 + 1_100)
            rig.session.sent(min(700, rig.session.inFlight), at: rig.now)
            try rig.play()
            rounds += 1
        }
        #expect(rounds > 10)
        #expect(rig.reads.map(\.offset) == (0..<11).map { 5 + UInt64($0) * 1_000 })
        #expect(rig.reads.map(\.count) == [Int](repeating: 1_000, count: 10) + [500])
        // The next request had to wait for its turn, and came.
        #expect(rig.said.last == .listing(SegmentListing(log: log, entries: [], hasMore: false)))
    }

    @Test func inputStopsWhileThePeerHasEnough() throws {
        var limits = SyncLimits()
        limits.bytesInFlight = 1
        var rig = PlayedRig(limits)
        try rig.tell(hello)
        let request = SyncMessage.list(after: 0).framed
        var taken = 0
        while rig.session.wantsInput, taken < 1_000_000 {
            rig.session.receive(request)
            taken += request.count
            try rig.play()
        }
        #expect(taken <= limits.requestSize + request.count)
    }

    @Test func silenceEndsIt() throws {
        var limits = SyncLimits()
        limits.idleTime = .seconds(10)
        var rig = PlayedRig(limits)
        try rig.advance(9.9)
        #expect(rig.closed == nil)
        #expect(rig.session.deadline == .zero + .seconds(10))
        try rig.advance(0.1)
        #expect(rig.lastCode == 7 && rig.closed != nil)

        rig = PlayedRig(limits)
        try rig.advance(5)
        try rig.tell(hello)
        rig.session.sent(rig.session.inFlight, at: rig.now)
        // Half a message is no sign of life.
        try rig.advance(9)
        rig.session.receive(SyncMessage.list(after: 0).framed.dropLast())
        try rig.play()
        #expect(rig.closed == nil)
        try rig.advance(1)
        #expect(rig.lastCode == 7 && rig.closed != nil)
    }

    @Test func slowTakersAreShed() throws {
        var limits = SyncLimits()
        limits.stallTime = .seconds(10)
        limits.stallBytes = 1_000
        limits.pieceSize = 1_000
        limits.bytesInFlight = 4_000
        for (bytesPerSecond, lives) in [(90, false), (130, true)] {
            var rig = PlayedRig(limits)
            try rig.tell(hello, .fetch(log: log, number: 1, offset: 0, length: 1 << 30))
            for _ in 0..<200 where rig.closed == nil {
                rig.session.sent(bytesPerSecond, at: rig.now)
                try rig.advance(1)
            }
            #expect((rig.closed == nil) == lives)
        }
    }

    @Test func everyConnectionEnds() throws {
        var limits = SyncLimits()
        limits.totalTime = .seconds(100)
        var rig = PlayedRig(limits)
        try rig.tell(hello)
        for second in 1...100 {
            #expect(rig.closed == nil)
            rig.session.sent(rig.session.inFlight, at: rig.now)
            try rig.tell(.list(after: UInt64(second)))
            try rig.advance(1)
        }
        #expect(rig.lastCode == 7 && rig.closed != nil)
    }

    @Test func refusedPeersHearWhyAndNothingElse() throws {
        let refusal = RigSession.Refusal(.unknownPeer, "who?")
        var session = RigSession(refusing: refusal, name: "rig", limits: SyncLimits(), at: .zero)
        session.receive(hello.framed)
        let error = SyncMessage.error(code: 1, text: "who?").framed
        #expect(session.next(at: .zero) == .send(error))
        #expect(session.next(at: .zero) == .close(because: "who?"))
        session.receive(SyncMessage.list(after: 0).framed)
        #expect(session.next(at: .zero) == nil && session.isOver)
    }
}

@Suite struct PullSessionTests {
    let log = ProtocolTests.log

    private func asked() throws -> PullSession {
        var session = PullSession(name: "ws", answerTime: .seconds(10), at: .zero)
        session.receive(SyncMessage.hello(lowest: 1, highest: 1, name: "rig").framed)
        #expect(try session.next(at: .zero) == .welcomed(name: "rig"))
        return session
    }

    @Test func answersNobodyAskedForEndIt() throws {
        let listing = SegmentListing(log: log, entries: [ProtocolTests.entry], hasMore: false)
        for lie in [
            SyncMessage.listing(listing), .piece(number: 1, offset: 0, bytes: [1]),
            .acknowledged(number: 1), .hello(lowest: 1, highest: 1, name: ""), .bye,
            .list(after: 0),
        ] {
            var session = try asked()
            session.receive(lie.framed)
            #expect(throws: SessionError.self) { try session.next(at: .zero) }
        }
    }

    @Test func piecesMustBeTheNextOnes() throws {
        for (number, offset, count) in [
            (2, 100, 5), (1, 99, 5), (1, 101, 5), (1, 100, 11), (1, 100, 0),
        ]
            as [(UInt64, UInt64, Int)]
        {
            var session = try asked()
            try session.fetch(log: log, number: 1, offset: 100, length: 10, at: .zero)
            let bytes = [UInt8](repeating: 0, count: count)
            session.receive(SyncMessage.piece(number: number, offset: offset, bytes: bytes).framed)
            #expect(throws: SessionError.self) { try session.next(at: .zero) }
        }
    }

    @Test func listingsMustStartWhereAsked() throws {
        var session = try asked()
        try session.list(after: 1, at: .zero)
        let listing = SegmentListing(log: log, entries: [ProtocolTests.entry], hasMore: false)
        session.receive(SyncMessage.listing(listing).framed)
        #expect(throws: SessionError.self) { try session.next(at: .zero) }
    }

    @Test func otherAcknowledgementsEndIt() throws {
        var session = try asked()
        try session.acknowledge(log: log, number: 3, hash: ProtocolTests.ones, at: .zero)
        session.receive(SyncMessage.acknowledged(number: 4).framed)
        #expect(throws: SessionError.self) { try session.next(at: .zero) }
    }

    @Test func silenceIsNoticed() throws {
        var session = try asked()
        #expect(session.deadline == .distantFuture)
        try session.fetch(log: log, number: 1, offset: 0, length: 10, at: .zero + .seconds(5))
        try session.tick(at: .zero + .seconds(14.9))
        session.receive(SyncMessage.piece(number: 1, offset: 0, bytes: [1]).framed)
        _ = try session.next(at: .zero + .seconds(14.9))
        try session.tick(at: .zero + .seconds(24.8))
        #expect(throws: SessionError.silent) { try session.tick(at: .zero + .seconds(24.9)) }
    }

    @Test func requestsAreBounded() throws {
        var session = try asked()
        for number in 0..<PullSession.requestsLimit {
            try session.list(after: UInt64(number), at: .zero)
        }
        #expect(throws: SessionError.tooMuchAsked) { try session.list(after: 0, at: .zero) }
    }

    @Test func endingRefusalsEndIt() throws {
        for (code, ends) in [
            (1, true), (2, true), (3, true), (4, false), (5, false), (6, true), (7, true),
            (8, false), (99, false),
        ]
            as [(UInt64, Bool)]
        {
            var session = try asked()
            try session.list(after: 7, at: .zero)
            session.receive(SyncMessage.error(code: code, text: "no").framed)
            if ends {
                #expect(throws: SessionError.refused(code: code, text: "no")) {
                    try session.next(at: .zero)
                }
            } else {
                #expect(
                    try session.next(at: .zero)
                        == .refused(.listing(after: 7), code: code, text: "no"))
            }
        }
    }
}
