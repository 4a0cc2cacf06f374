import Foundation
import Quantities
import Testing
import World

@testable import Sync

/// Real sockets on the loopback interface, real TLS: whoever comes must not hurt the rig.
@Suite struct ServerTests {
    /// A connection below TLS.
    private func raw(_ rig: ServedRig) throws -> TCPStream {
        try TCPStream.connect(rig.address, timeout: .seconds(5))
    }

    /// Reads until the other end hangs up; what came, or nil when it stays open.
    private func readToEnd(_ stream: TCPStream, seconds: Double) -> Int? {
        let end = Clocks.now + .seconds(seconds)
        var count = 0
        while Clocks.now < end {
            do {
                let got = try stream.read(limit: 65_536) { _ in }
                count += got
                if got == 0 { Clocks.sleep(.milliseconds(2)) }
            } catch { return count }
        }
        return nil
    }

    @Test func listsToAcceptedPeersOnly() throws {
        let (friend, stranger) = (try TLSIdentity(), try TLSIdentity())
        let rig = try ServedRig(accepting: [friend.fingerprint])
        let entry = rig.segments.add(1, size: 10_000)
        let connection = try PullConnection(rig.address, identity: friend, name: "ws")
        #expect(connection.rig == rig.identity.fingerprint)
        #expect(try connection.greet() == "rig")
        #expect(
            try connection.list(after: 0)
                == SegmentListing(log: rig.segments.log, entries: [entry], hasMore: false))
        let other = try PullConnection(rig.address, identity: stranger, name: "ws")
        let error = thrown(PullError.self) { _ = try other.greet() }
        other.close()
        guard case .session(.refused(1, let text)) = error else {
            Issue.record("refused otherwise: \(String(describing: error))")
            return
        }
        #expect(text.contains("argent pair accept \(stranger.fingerprint)"))
        #expect(becomes { rig.server.status.refused == 1 })
        // Accepted meanwhile, without a restart.
        _ = try rig.store.accept(stranger.fingerprint, name: "new")
        let again = try PullConnection(rig.address, identity: stranger, name: "ws")
        #expect(try again.greet() == "rig")
        #expect(try rig.store.remove("new").count == 1)
        let gone = try PullConnection(rig.address, identity: stranger, name: "ws")
        #expect(throws: PullError.self) { try gone.greet() }
    }

    @Test func silentPeersAreShed() throws {
        var limits = SyncLimits()
        limits.handshakeTime = .milliseconds(300)
        limits.idleTime = .milliseconds(300)
        let friend = try TLSIdentity()
        let rig = try ServedRig(accepting: [friend.fingerprint], limits: limits)
        let silent = try raw(rig)
        #expect(readToEnd(silent, seconds: 5) != nil)
        let half = try raw(rig)
        _ = try half.write([0x16, 0x03, 0x01, 0x02][...])
        #expect(readToEnd(half, seconds: 5) != nil)
        // After the handshake too: a connection that asks nothing.
        let idle = try PullConnection(rig.address, identity: friend, name: "ws")
        #expect(becomes { rig.server.status.connections == 1 })
        #expect(becomes { rig.server.status.connections == 0 })
        _ = idle
        let told = rig.events().filter { $0.kind == "sync-refused" }.map(\.text)
        #expect(told.count == 3, "\(told)")
    }

    @Test func noiseAndHalfClosedPeersAreShed() throws {
        let rig = try ServedRig()
        var state: UInt64 = 1
        for size in [1, 5, 100, 3_000, 60_000] {
            let stream = try raw(rig)
            let noise = (0..<size).map { _ -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 56)
            }
            _ = try? stream.write(noise[...])
            stream.finishWriting()
            #expect(readToEnd(stream, seconds: 5) != nil, "\(size)")
        }
        #expect(becomes { rig.server.status.connections == 0 })
        #expect(rig.server.status.refused == 5)
    }

    @Test func halfClosedAfterTheHandshakeIsTheEnd() throws {
        let friend = try TLSIdentity()
        let rig = try ServedRig(accepting: [friend.fingerprint])
        rig.segments.add(1, size: 50_000_000)
        let peer = try RawPeer(rig.address, friend)
        try peer.send(.hello(lowest: 1, highest: 1, name: "ws"))
        try peer.send(.fetch(log: rig.segments.log, number: 1, offset: 0, length: 50_000_000))
        #expect(becomes { rig.segments.opened == 1 })
        peer.stream.finishWriting()
        #expect(becomes { rig.server.status.connections == 0 })
    }

    @Test func slowTakersAreShedWithoutFillingMemory() throws {
        var limits = SyncLimits()
        limits.stallTime = .milliseconds(400)
        let friend = try TLSIdentity()
        let rig = try ServedRig(accepting: [friend.fingerprint], limits: limits)
        rig.segments.add(1, size: 100_000_000)
        let peer = try RawPeer(rig.address, friend)
        try peer.send(.hello(lowest: 1, highest: 1, name: "ws"))
        let before = try residentBytes()
        for _ in 0..<50 {
            try peer.send(
                .fetch(log: rig.segments.log, number: 1, offset: 0, length: 100_000_000))
        }
        #expect(becomes { rig.segments.opened == 1 })
        #expect(becomes(10) { rig.server.status.connections == 0 })
        #expect(try residentBytes() - before < 30_000_000)
        #expect(rig.events().contains { $0.text.contains("were taken in") })
    }

    @Test func lyingPeersAreShed() throws {
        let friend = try TLSIdentity()
        let rig = try ServedRig(accepting: [friend.fingerprint])
        let entry = rig.segments.add(1, size: 1_000)
        let log = rig.segments.log
        for (lie, code) in [
            (
                [
                    SyncMessage.acknowledge(
                        log: log, number: 1, hash: [UInt8](repeating: 0, count: 32))
                ], 5
            ),
            ([.acknowledge(log: log, number: 2, hash: entry.hash)], 4),
            ([.acknowledge(log: [UInt8](repeating: 0, count: 16), number: 1, hash: entry.hash)], 4),
            ([.fetch(log: log, number: 1, offset: 1_000, length: 1)], 4),
            ([.fetch(log: log, number: 9, offset: 0, length: 1)], 4),
            ([.piece(number: 1, offset: 0, bytes: [1])], 3), ([.acknowledged(number: 1)], 3),
        ] as [([SyncMessage], UInt64)] {
            let peer = try RawPeer(rig.address, friend)
            try peer.send(.hello(lowest: 1, highest: 1, name: "ws"))
            for message in lie { try peer.send(message) }
            _ = try peer.next()
            guard case .error(code, _)? = try peer.next() else {
                Issue.record("\(lie) was not refused with \(code)")
                continue
            }
        }
        let peer = try RawPeer(rig.address, friend)
        try peer.send(bytes: [0xFF, 0xFF, 0xFF, 0x7F])
        guard case .error(3, _)? = try peer.next() else {
            Issue.record("a huge length was not refused")
            return
        }
        #expect(!rig.acknowledgements.has(friend.fingerprint, segment: 1, of: log))
        #expect(rig.server.status.unacknowledgedBytes != nil)
    }

    @Test func placesAreBounded() throws {
        var limits = SyncLimits()
        limits.peers = 2
        limits.strangers = 3
        let friend = try TLSIdentity()
        let rig = try ServedRig(accepting: [friend.fingerprint], limits: limits)
        let first = try RawPeer(rig.address, friend)
        let second = try RawPeer(rig.address, friend)
        for peer in [first, second] {
            try peer.send(.hello(lowest: 1, highest: 1, name: "ws"))
            #expect(try peer.next() == .hello(lowest: 1, highest: 1, name: "rig"))
        }
        let third = try RawPeer(rig.address, friend)
        guard case .error(6, _)? = try third.next() else {
            Issue.record("a third peer was served")
            return
        }
        // Strangers: the one that waits longest gives its place away; served peers keep theirs.
        let strangers = try (0..<5).map { _ in try raw(rig) }
        #expect(readToEnd(strangers[0], seconds: 5) != nil)
        #expect(rig.server.status.connections <= 6)
        try first.send(.list(after: 0))
        guard case .listing? = try first.next() else {
            Issue.record("a served peer lost its place")
            return
        }
    }

    @Test func floodsAreCutOffAndTheRestIsServed() throws {
        var limits = SyncLimits()
        limits.connectionsPerAddress = 10
        let friend = try TLSIdentity()
        let rig = try ServedRig(accepting: [friend.fingerprint], limits: limits)
        var shed = 0
        for _ in 0..<30 {
            let stream = try raw(rig)
            _ = try? stream.write(Array("GET / HTTP/1.0\r\n\r\n".utf8)[...])
            if readToEnd(stream, seconds: 5) != nil { shed += 1 }
            stream.close()
        }
        #expect(shed == 30)
        #expect(becomes { rig.server.status.refused == 30 })
        #expect(rig.events().count { $0.text.contains("too many connections") } >= 15)
        // A friend at the same address has to wait as well.
        #expect(throws: PullError.self) {
            try PullConnection(rig.address, identity: friend, name: "ws")
        }
    }

    @Test func oneAddressCannotUseUpTheOthersShare() {
        var limits = SyncLimits()
        limits.connectionsPerMinute = 10
        limits.connectionsPerAddress = 4
        var gate = ConnectionGate(limits, at: .zero)
        #expect((0..<100).count { _ in gate.admits("a", at: .zero) } == 4)
        #expect((0..<100).count { _ in gate.admits("b", at: .zero) } == 4)
        #expect((0..<100).count { _ in gate.admits("c", at: .zero) } == 2)
        // Fifteen seconds bring back a quarter: one of an address, two of all.
        let later = Instant.zero + .seconds(15)
        #expect((0..<100).count { _ in gate.admits("a", at: later) } == 1)
        #expect((0..<100).count { _ in gate.admits("d", at: later) } == 1)
        // However many addresses come, few are remembered.
        let much = Instant.zero + .seconds(1e6)
        #expect((0..<100_000).count { gate.admits("x\($0)", at: much) } == 10)
        #expect(gate.rememberedAddresses == ConnectionGate.addressLimit)
        // Those who asked for nothing since then make room for others.
        #expect((0..<1).count { _ in gate.admits("y", at: much + .seconds(120)) } == 1)
        #expect(gate.rememberedAddresses == 1)
    }

    @Test func eventsAreFewAndCounted() throws {
        var limits = SyncLimits()
        limits.eventsPerHour = 3
        limits.connectionsPerAddress = 50
        let rig = try ServedRig(limits: limits)
        for number in 1...10 {
            let stream = try raw(rig)
            _ = try? stream.write(Array("GET / HTTP/1.0\r\n\r\n".utf8)[...])
            #expect(readToEnd(stream, seconds: 5) != nil)
            stream.close()
            #expect(becomes { rig.server.status.refused == number })
        }
        #expect(rig.events().count == 3)
    }

    @Test func aTakenPortIsToldAndTriedAgain() throws {
        let rig = try ServedRig()
        let settings = SyncServerSettings(
            address: rig.address, directory: rig.folder.path, name: "second")
        let second = try SyncServer(
            settings, identity: rig.identity, acknowledgements: rig.acknowledgements,
            source: rig.segments)
        try second.start()
        defer { second.stop() }
        #expect(becomes { !second.status.problem.isEmpty })
        #expect(second.events.pop()?.kind == "sync-trouble")
    }

    private func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return try Int(text.split(separator: " ")[1]).orThrow("no statm") * 4_096
    }
}

/// A peer that shakes hands properly and then says whatever a test wants.
final class RawPeer {
    let stream: TCPStream
    private let engine: TLSEngine
    private var frames = FrameReader(limit: SyncMessage.replyLimit)

    init(_ address: NetworkAddress, _ identity: TLSIdentity) throws {
        stream = try TCPStream.connect(address, timeout: .seconds(5))
        engine = try TLSEngine(TLSContext(identity: identity, isServer: false))
        let end = Clocks.now + .seconds(5)
        while try !engine.shakeHands() {
            try flush()
            try receive()
            guard Clocks.now < end else { throw Missing(what: "no handshake") }
        }
        try flush()
    }

    private func flush() throws {
        var bytes: [UInt8] = []
        engine.send(into: &bytes)
        var rest = bytes[...]
        let end = Clocks.now + .seconds(5)
        while !rest.isEmpty, Clocks.now < end { rest = rest.dropFirst(try stream.write(rest)) }
    }

    private func receive() throws {
        let count = try stream.read(limit: 65_536) { try? engine.receive($0) }
        if count == 0 { Clocks.sleep(.milliseconds(1)) }
    }

    func send(_ message: SyncMessage) throws { try send(bytes: message.framed) }

    func send(bytes: [UInt8]) throws {
        _ = try engine.write(bytes[...])
        try flush()
    }

    /// The next message of the rig; nil at the end of the connection.
    func next() throws -> SyncMessage? {
        let end = Clocks.now + .seconds(5)
        while Clocks.now < end {
            if let bytes = try frames.next() { return try SyncMessage(bytes) }
            var content: [UInt8] = []
            switch try engine.read(into: &content) {
            case .content: frames.append(content)
            case .ended: return nil
            case .waits: try receive()
            }
        }
        throw Missing(what: "no message in time")
    }
}
