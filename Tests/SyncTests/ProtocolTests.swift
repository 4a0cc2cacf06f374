import Foundation
import Quantities
import RunLog
import Sync
import TestSupport
import Testing

@Suite struct ProtocolTests {
    static let log = (0..<16).map { UInt8($0) }
    static let ones = [UInt8](repeating: 0x11, count: 32)
    static let zeros = [UInt8](repeating: 0, count: 32)
    static let entry = SegmentEntry(
        number: 1, size: 1_000, firstSequence: 1, records: 12, hash: ones, previousHash: zeros,
        contentHash: ones)
    /// The example of PROTOCOL.md, as its comments say it.
    static let example: [SyncMessage] = [
        .hello(lowest: 1, highest: 1, name: "ws"), .hello(lowest: 1, highest: 1, name: "rig"),
        .list(after: 0), .listing(SegmentListing(log: log, entries: [entry], hasMore: false)),
        .fetch(log: log, number: 1, offset: 990, length: 10),
        .piece(number: 1, offset: 990, bytes: Array("0123456789".utf8)),
        .acknowledge(log: log, number: 1, hash: ones), .acknowledged(number: 1),
        .fetch(log: log, number: 2, offset: 0, length: 1),
        .error(code: 4, text: "no segment 2"), .bye,
    ]

    /// The example of PROTOCOL.md: direction and bytes of every message.
    private func written() throws -> [(toRig: Bool, bytes: [UInt8])] {
        let path = SharedData.projectRoot + "/Sources/Sync/PROTOCOL.md"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let block = try #require(text.components(separatedBy: "```").dropFirst().first)
        var messages: [(toRig: Bool, bytes: [UInt8])] = []
        for line in block.split(separator: "\n") {
            if line.hasPrefix(">") || line.hasPrefix("<") {
                messages.append((line.hasPrefix(">"), []))
            } else {
                let digits = line.filter { $0 != " " }
                messages[messages.count - 1].bytes += try #require(Hexadecimal.bytes(digits))
            }
        }
        return messages
    }

    @Test func exampleIsAsDocumented() throws {
        let written = try written()
        try #require(written.count == Self.example.count)
        for (message, (_, bytes)) in zip(Self.example, written) {
            #expect(message.framed == bytes, "\(message)")
            #expect(try SyncMessage(Array(bytes.dropFirst(4))) == message)
        }
    }

    /// The rig's machine answers the example's requests with exactly its answers.
    @Test func exampleIsWhatTheRigSays() throws {
        var session = RigSession(name: "rig", limits: SyncLimits(), at: .zero)
        var said: [UInt8] = []
        var expected: [UInt8] = []
        for (toRig, bytes) in try written() {
            if toRig { session.receive(bytes) } else { expected += bytes }
            while let output = session.next(at: .zero) {
                switch output {
                case .send(let bytes): said += bytes
                case .list(let after):
                    #expect(after == 0)
                    let all = SegmentListing(log: Self.log, entries: [Self.entry], hasMore: false)
                    session.listed(.success(all))
                case .read(let log, let number, let offset, let count):
                    #expect(log == Self.log)
                    let bytes = (0..<1_000).map { UInt8(0x30 + $0 % 10) }
                    session.read(
                        number == 1
                            ? .success(Array(bytes[Int(offset)..<Int(offset) + count]))
                            : .failure(RigSession.Refusal(.noSuchSegment, "no segment \(number)")))
                case .acknowledge(_, let number, let hash):
                    #expect(number == 1 && hash == Self.ones)
                    session.acknowledged(.success(()))
                case .close(let because): #expect(because.isEmpty)
                }
            }
        }
        #expect(said == expected)
        #expect(session.isOver)
    }

    /// And the workstation's machine asks exactly its questions.
    @Test func exampleIsWhatTheWorkstationSays() throws {
        var session = PullSession(name: "ws", answerTime: .seconds(1), at: .zero)
        var asked = session.takeOutput()
        var expected: [UInt8] = []
        var events: [PullSession.Event] = []
        try session.list(after: 0, at: .zero)
        asked += session.takeOutput()
        try session.fetch(log: Self.log, number: 1, offset: 990, length: 10, at: .zero)
        try session.acknowledge(log: Self.log, number: 1, hash: Self.ones, at: .zero)
        try session.fetch(log: Self.log, number: 2, offset: 0, length: 1, at: .zero)
        session.bye()
        asked += session.takeOutput()
        for (toRig, bytes) in try written() {
            if toRig { expected += bytes } else { session.receive(bytes) }
            while let event = try session.next(at: .zero) { events.append(event) }
        }
        #expect(asked == expected)
        #expect(
            events == [
                .welcomed(name: "rig"),
                .listed(SegmentListing(log: Self.log, entries: [Self.entry], hasMore: false)),
                .piece(
                    number: 1, offset: 990, bytes: Array("0123456789".utf8), isLast: true),
                .acknowledged(number: 1),
                .refused(
                    .pieces(number: 2, offset: 0, remaining: 1), code: 4, text: "no segment 2"),
            ])
        #expect(session.requests == 0)
    }

    @Test func laterVersionsMayAddItems() throws {
        // bye, list and a segment with more behind what is known (hand-written CBOR).
        #expect(try SyncMessage([0x82, 0x08, 0x61, 0x78]) == .bye)
        #expect(try SyncMessage([0x83, 0x02, 0x05, 0x82, 0x01, 0xF6]) == .list(after: 5))
        var bytes = Array(Self.example[3].framed.dropFirst(4))
        let place = try #require(bytes.firstIndex(of: 0x87))
        bytes[place] = 0x88
        #expect(try SyncMessage(bytes + [0x18, 0x63]) == Self.example[3])
    }

    static let bad: [(String, [UInt8])] = [
        ("nothing", []), ("no array", [0x01]), ("no kind", [0x80]), ("kind 0", [0x81, 0x00]),
        ("kind 10", [0x81, 0x0A]), ("too few", [0x81, 0x02]), ("rest", [0x81, 0x08, 0x00]),
        ("indefinite", [0x9F, 0x08, 0xFF]), ("kind as text", [0x81, 0x61, 0x38]),
        ("negative", [0x82, 0x02, 0x20]), ("short log", [0x85, 0x04, 0x41, 0, 1, 0, 1]),
        ("many announced", [0x9B, 0, 0, 1, 0, 0, 0, 0, 0, 8]),
        ("deep", [0x82, 0x08] + [UInt8](repeating: 0x81, count: 100) + [0x01]),
        ("no UTF-8", [0x84, 0x01, 0x01, 0x01, 0x61, 0xFF]),
        (
            "long text",
            [0x84, 0x01, 0x01, 0x01, 0x79, 0x01, 0xF5] + [UInt8](repeating: 65, count: 501)
        ),
        ("more of nothing", [0x84, 0x03, 0x40, 0xF5, 0x80]),
    ]

    @Test(arguments: bad) func badMessagesAreRefused(what: String, bytes: [UInt8]) {
        #expect(throws: MessageError.self, "\(what)") { try SyncMessage(bytes) }
    }

    @Test func listingsMustAscendAndBeBounded() throws {
        func reads(_ change: (inout SegmentEntry) -> Void, twice: Bool = false) -> Bool {
            var entry = Self.entry
            change(&entry)
            let all = twice ? [Self.entry, entry] : [entry]
            let listing = SegmentListing(log: Self.log, entries: all, hasMore: false)
            let bytes = SyncMessage.listing(listing).framed.dropFirst(4)
            return (try? SyncMessage(Array(bytes))) == .listing(listing)
        }
        #expect(reads { _ in })
        #expect(reads({ $0.number = 2 }, twice: true))
        #expect(!reads({ _ in }, twice: true))
        #expect(!reads { $0.number = 0 })
        #expect(reads { $0.number = SyncMessage.numberLimit })
        #expect(!reads { $0.number = SyncMessage.numberLimit + 1 })
        #expect(!reads { $0.size = 0 })
        #expect(reads { $0.size = 1 << 40 })
        #expect(!reads { $0.size = 1 << 40 + 1 })
        #expect(!reads { $0.records = .max })
    }

    @Test func framesComeInAnyPieces() throws {
        let stream = Self.example.flatMap(\.framed)
        for size in [1, 2, 3, 5, 17, stream.count] {
            var reader = FrameReader(limit: 4_096)
            var messages: [SyncMessage] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                reader.append(stream[start..<min(start + size, stream.count)])
                while let bytes = try reader.next() { messages.append(try SyncMessage(bytes)) }
            }
            #expect(messages == Self.example)
            #expect(reader.count == 0)
        }
    }

    @Test func lengthsAreRefusedBeforeTheMessageCame() throws {
        for (prefix, length) in [
            ([0, 0, 0, 0], 0), ([1, 0x10, 0, 0], 4_097), ([0xFF, 0xFF, 0xFF, 0xFF], 4_294_967_295),
        ] as [([UInt8], Int)] {
            var reader = FrameReader(limit: 4_096)
            reader.append(prefix)
            #expect(throws: MessageError.length(length, limit: 4_096)) { try reader.next() }
        }
        var reader = FrameReader(limit: 4_096)
        reader.append([0x00, 0x10, 0, 0])
        #expect(try reader.next() == nil)
    }
}
