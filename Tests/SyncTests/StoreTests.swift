import Foundation
import Quantities
import TestSupport
import Testing
import World

@testable import Sync

@Suite struct StoreTests {
    let a = Fingerprint(digest: [UInt8](repeating: 1, count: 32))
    let b = Fingerprint(digest: [UInt8](repeating: 2, count: 32))
    let log = [UInt8](repeating: 9, count: 16)

    @Test func acknowledgementsSurvive() throws {
        let folder = try TestFolder()
        let store = try Acknowledgements(directory: folder.path)
        for number in [1, 2, 3, 7, 5, 6, 20, 4, 1] as [UInt64] {
            try store.record(number, of: log, by: a)
        }
        try store.record(2, of: log, by: b)
        for kept in [store, try Acknowledgements(directory: folder.path)] {
            let has = (0...30).filter { kept.has(a, segment: $0, of: log) }
            #expect(has == [1, 2, 3, 4, 5, 6, 7, 20])
            #expect(kept.anyHas([a, b], segment: 7, of: log))
            #expect(!kept.everyHas([a, b], segment: 7, of: log))
            #expect(kept.everyHas([a, b], segment: 2, of: log))
            #expect(
                !kept.everyHas([], segment: 2, of: log) && !kept.anyHas([], segment: 2, of: log))
            #expect(!kept.has(a, segment: 1, of: [UInt8](repeating: 8, count: 16)))
        }
        let path = folder["acknowledged/" + String(repeating: "01", count: 32)]
        let text = String(decoding: try Files.read(path, limit: 1_000), as: UTF8.self)
        #expect(text == "argent acknowledged 1\n\(String(repeating: "09", count: 16)) 1-7 20\n")
        #expect(try Files.mode(of: path) == 0o600)
    }

    @Test(arguments: [
        "", "argent acknowledged 2\n", "argent acknowledged 1\nzz 1-3\n",
        "argent acknowledged 1\n09 3-1\n", "argent acknowledged 1\n09 1-3 2-5\n", "\u{0}",
    ]) func damagedAcknowledgementsCountAsNone(text: String) throws {
        let folder = try TestFolder()
        try Files.makeDirectories(folder["acknowledged"])
        try Files.replace(
            folder["acknowledged/" + String(repeating: "01", count: 32)], with: Array(text.utf8))
        let store = try Acknowledgements(directory: folder.path)
        #expect(!(0...5).contains { store.has(a, segment: $0, of: [9]) })
        try store.record(3, of: log, by: a)
        // What a killed process leaves goes away.
        let left = folder["acknowledged/" + String(repeating: "01", count: 32) + ".tmp-7"]
        try Files.replace(left, with: [1])
        #expect(try Acknowledgements(directory: folder.path).has(a, segment: 3, of: log))
        #expect(!Files.exists(left))
    }

    @Test func acknowledgementsAreBounded() throws {
        let folder = try TestFolder()
        let store = try Acknowledgements(directory: folder.path)
        for number in 1...40 as ClosedRange<UInt8> {
            try store.record(UInt64(number) * 2, of: log, by: a)
        }
        try store.record(.max, of: log, by: a)
        try store.record(.max - 1, of: log, by: a)
        #expect(store.has(a, segment: .max, of: log) && store.has(a, segment: 2, of: log))
        for number in 0...64 as ClosedRange<UInt8> {
            try store.record(1, of: [UInt8](repeating: 100 + number, count: 16), by: a)
        }
        #expect(!store.has(a, segment: 2, of: log))
        #expect(store.has(a, segment: 1, of: [UInt8](repeating: 164, count: 16)))
    }

    @Test func peersAreAcceptedAndRemoved() throws {
        let folder = try TestFolder()
        let store = PeerStore(directory: folder["identity"])
        #expect(try store.peers().isEmpty)
        #expect(try store.accept(a, name: "desk"))
        #expect(try store.accept(b, name: "lab.two"))
        #expect(try !store.accept(a, name: "desk-1"))
        #expect(try store.peers().map(\.name) == ["desk-1", "lab.two"])
        #expect(try store.remove("nobody").isEmpty)
        #expect(try store.remove(b.description).map(\.name) == ["lab.two"])
        #expect(try store.remove("desk-1").count == 1)
        #expect(try store.peers().isEmpty)
        for name in ["", ".hidden", "-x", "a/b", "a b", "ü", String(repeating: "x", count: 65)] {
            #expect(throws: PeerError.name(name)) { try store.accept(a, name: name) }
        }
        try Files.replace(store.path, with: Array("# desk\n\(a) desk\nnonsense\n".utf8))
        #expect(throws: PeerError.line(path: store.path, number: 3)) { try store.peers() }
    }

    @Test func rigsAreRemembered() throws {
        let folder = try TestFolder()
        let rigs = KnownRigs(directory: folder["ws"])
        let place = NetworkAddress(host: "bench.lan", port: 7_425)
        #expect(try rigs.rig(at: place) == nil)
        try rigs.remember(place, fingerprint: a, name: "bench")
        try rigs.remember(place, fingerprint: b, name: "bench")
        #expect(
            try rigs.rig(at: place)
                == KnownRig(
                    address: "bench.lan:7425", fingerprint: b, name: "bench", former: [a]))
        try rigs.remember(place, fingerprint: a, name: "b2")
        #expect(try rigs.rig(at: place)?.former == [b])
        #expect(try rigs.rig(at: NetworkAddress(host: "bench.lan", port: 1)) == nil)
    }

    static let places: [(String, String?)] = [
        ("host", "host:7425"), ("host:1", "host:1"), ("10.0.0.7:65535", "10.0.0.7:65535"),
        ("[fe80::1%eth0]", "[fe80::1%eth0]:7425"), ("[::]:99", "[::]:99"), ("::1", "[::1]:7425"),
        ("", nil), (":7425", nil), ("host:", nil), ("host:65536", nil), ("host:+1", nil),
        ("[::1", nil), ("[::1]7", nil), ("a b", nil), ("a/b", nil),
    ]

    @Test(arguments: places) func placesAreRead(text: String, expected: String?) {
        #expect(NetworkAddress(text, defaultPort: 7_425)?.description == expected)
    }

    /// Against the C library's calendar.
    @Test func daysAreTheCalendars() {
        var seconds: Int64 = -2_300_000_000
        while seconds < 9_000_000_000 {
            var time = time_t(seconds)
            var parts = tm()
            gmtime_r(&time, &parts)
            let expected = String(
                format: "%04d-%02d-%02d", parts.tm_year + 1_900, parts.tm_mon + 1, parts.tm_mday)
            #expect(
                WallTime(unixNanoseconds: seconds * 1_000_000_000).isoDate == expected)
            seconds += 1_234_567
        }
    }
}
