import Foundation
import RunLog
import Sync
import TestSupport
import Testing
import World
import class World.Thread

@Suite struct IdentityTests {
    @Test func isMadeOnceAndForThisUserAlone() throws {
        let folder = try TestFolder()
        let first = try TLSIdentity.take(directory: folder["keys"])
        let second = try TLSIdentity.take(directory: folder["keys"])
        #expect(first.fingerprint == second.fingerprint)
        #expect(first.publicKey == second.publicKey)
        #expect(try Files.mode(of: folder["keys/identity.pem"]) == 0o600)
        #expect(try Files.mode(of: folder["keys"]) == 0o700)
        #expect(try Files.list(folder["keys"]) == ["identity.pem"])
        #expect(try TLSIdentity().fingerprint != first.fingerprint)
    }

    @Test func isRefusedWhenOthersCanReadIt() throws {
        let folder = try TestFolder()
        _ = try TLSIdentity.take(directory: folder.path)
        for mode in [0o640, 0o604, 0o660, 0o644] as [mode_t] {
            try #require(chmod(folder["identity.pem"], mode) == 0)
            #expect(
                throws: IdentityError.exposed(path: folder["identity.pem"], mode: UInt32(mode))
            ) { try TLSIdentity.take(directory: folder.path) }
        }
        try #require(chmod(folder["identity.pem"], 0o400) == 0)
        _ = try TLSIdentity.take(directory: folder.path)
    }

    @Test func damagedFilesAreSaid() throws {
        let folder = try TestFolder()
        _ = try TLSIdentity.take(directory: folder["a"])
        _ = try TLSIdentity.take(directory: folder["b"])
        let path = folder["a/identity.pem"]
        let own = try Files.read(path, limit: 10_000)
        let other = try Files.read(folder["b/identity.pem"], limit: 10_000)
        let cut = try #require(
            String(decoding: own, as: UTF8.self).range(of: "-----BEGIN CERT"))
        let key = Array(String(decoding: own, as: UTF8.self)[..<cut.lowerBound].utf8)
        let place = try #require(
            String(decoding: other, as: UTF8.self).range(of: "-----BEGIN CERT"))
        let certificate = Array(String(decoding: other, as: UTF8.self)[place.lowerBound...].utf8)
        for bad in [[], key, Array(own.dropFirst(40)), key + certificate, [0, 1, 2]] {
            try Files.replace(path, with: bad, mode: 0o600)
            #expect(throws: IdentityError.damaged(path: path)) {
                try TLSIdentity.take(directory: folder["a"])
            }
        }
    }

    /// Many processes that start at once: all must end up with one key.
    @Test func twoAtOnceGetTheSame() throws {
        let folder = try TestFolder()
        let prints = Prints()
        var threads: [Thread] = []
        for _ in 0..<8 {
            let path = folder["keys"]
            threads.append(
                try Thread.start(name: "taker") {
                    prints.add((try? TLSIdentity.take(directory: path))?.fingerprint)
                })
        }
        for thread in threads { thread.join() }
        #expect(prints.all.count == 8)
        #expect(!prints.all.contains(nil))
        #expect(Set(prints.all).count == 1)
        #expect(try Files.list(folder["keys"]) == ["identity.pem"])
    }

    /// The certificate's SPKI, as OpenSSL encodes it, against RFC 8410's fixed form.
    @Test func fingerprintIsOfTheKey() throws {
        let identity = try TLSIdentity()
        #expect(Fingerprint(publicKey: identity.publicKey) == identity.fingerprint)
    }

    @Test func fingerprintsAreReadAsPeopleWriteThem() throws {
        let print = try TLSIdentity().fingerprint
        let digits = String(print.description.dropFirst("sha256:".count))
        let colons = stride(from: 0, to: 64, by: 2).map {
            String(digits.dropFirst($0).prefix(2)).uppercased()
        }.joined(separator: ":")
        for text in [print.description, digits, colons, "SHA256:" + digits.uppercased()] {
            #expect(Fingerprint(text) == print)
        }
        for text in ["", digits.dropLast().description, digits + "0", "z" + digits.dropFirst()] {
            #expect(Fingerprint(text) == nil)
        }
    }
}

final class Prints: @unchecked Sendable {
    private let lock = NSLock()
    private var kept: [Fingerprint?] = []
    var all: [Fingerprint?] { lock.withLock { kept } }
    func add(_ print: Fingerprint?) { lock.withLock { kept.append(print) } }
}

@Suite struct TLSEngineTests {
    /// Carries bytes between two engines in pieces of `size` until neither has any.
    private func carry(_ a: TLSEngine, _ b: TLSEngine, size: Int) throws {
        while true {
            var moved = false
            for (from, to) in [(a, b), (b, a)] {
                var bytes: [UInt8] = []
                from.send(into: &bytes)
                for start in stride(from: 0, to: bytes.count, by: size) {
                    try bytes[start..<min(start + size, bytes.count)].withUnsafeBytes {
                        try to.receive($0)
                    }
                    if !to.isOpen { try to.shakeHands() }
                }
                moved = moved || !bytes.isEmpty
            }
            if !moved { return }
        }
    }

    private func pair() throws -> (TLSEngine, TLSEngine, TLSIdentity, TLSIdentity) {
        let (rig, peer) = (try TLSIdentity(), try TLSIdentity())
        let server = try TLSEngine(TLSContext(identity: rig, isServer: true))
        let client = try TLSEngine(TLSContext(identity: peer, isServer: false))
        return (server, client, rig, peer)
    }

    @Test(arguments: [1, 7, 16_384]) func carriesContentBothWays(size: Int) throws {
        let (server, client, rig, peer) = try pair()
        #expect(client.peer == nil && server.peerKey == nil)
        try client.shakeHands()
        try carry(client, server, size: size)
        #expect(client.isOpen && server.isOpen)
        #expect(client.peer == rig.fingerprint && server.peer == peer.fingerprint)
        #expect(client.peerKey == rig.publicKey)
        let text = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for (from, to) in [(client, server), (server, client)] {
            #expect(try from.write(text[...]) == text.count)
            try carry(from, to, size: size)
            var content: [UInt8] = []
            while case .content = try to.read(into: &content) {}
            #expect(content == text)
            #expect(try to.read(into: &content) == .waits)
        }
        client.end()
        try carry(client, server, size: size)
        var rest: [UInt8] = []
        #expect(try server.read(into: &rest) == .ended)
    }

    @Test func oneChangedByteBreaksIt() throws {
        for place in [5, 40, 200] {
            let (server, client, _, _) = try pair()
            try client.shakeHands()
            try carry(client, server, size: 16_384)
            _ = try client.write(Array(repeating: 65, count: 300)[...])
            var bytes: [UInt8] = []
            client.send(into: &bytes)
            bytes[place] ^= 1
            try bytes.withUnsafeBytes { try server.receive($0) }
            var content: [UInt8] = []
            #expect(throws: TLSFailure.self) { try server.read(into: &content) }
            #expect(content.isEmpty)
            #expect(throws: TLSFailure.self) { try server.write([1]) }
        }
    }

    @Test func noiseIsRefused() throws {
        for noise in [
            "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", String(repeating: "\u{16}", count: 99),
        ] {
            let (server, _, _, _) = try pair()
            try Array(noise.utf8).withUnsafeBytes { try server.receive($0) }
            #expect(throws: TLSFailure.self) { try server.shakeHands() }
            #expect(!server.isOpen)
        }
    }
}
