import Glibc
import Numerics
import Quantities
import RunLog
import Sync
import World

/// `argent-bench serve-segments DIR MEGABYTES ADDRESS:PORT`: a log of sealed, signed segments of
/// random readings, which no compression makes smaller, served as `argent run` would until the
/// standard input ends. Peers are accepted with `argent pair --identity DIR/identity`, or by the
/// fingerprints on the standard input, a line each.
enum SegmentServer {
    /// What is wrong with the command line.
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    private static let recordValues = 16_384

    static func run(_ words: [String]) throws {
        guard words.count == 3, let megabytes = Int(words[1]), megabytes > 0,
            let address = NetworkAddress(words[2])
        else { throw Problem(description: "use: serve-segments DIR MEGABYTES ADDRESS:PORT") }
        let directory = words[0]
        let log = directory + "/log"
        let identity = try TLSIdentity.take(directory: directory + "/identity")
        if !Files.exists(log) { try write(log, bytes: Int64(megabytes) * 1_000_000, identity) }
        var limits = SyncLimits()
        limits.connectionsPerMinute = 10_000
        limits.connectionsPerAddress = 10_000
        let server = try SyncServer(
            SyncServerSettings(
                address: address, directory: directory + "/identity", name: "bench",
                limits: limits),
            identity: identity,
            acknowledgements: Acknowledgements(directory: directory + "/identity"),
            source: DirectorySegments(path: log))
        try server.start()
        print(identity.fingerprint)
        fflush(nil)
        while let line = readLine() {
            guard let peer = Fingerprint(line) else { continue }
            _ = try PeerStore(directory: directory + "/identity").accept(peer, name: "ws")
            print("accepted")
            fflush(nil)
        }
        server.stop()
    }

    private static func write(
        _ path: String, bytes: Int64, _ signer: TLSIdentity
    ) throws {
        try Files.makeDirectories(path)
        let name = LogIdentifier(derivedFrom: "bench".utf8)
        var options = SegmentOptions(newIdentifier: name)
        options.signer = signer
        options.level = 1
        let log = try SegmentedLog(DirectoryStorage(path), options: options) { _ in }
        var random = SeededGenerator(seed: 1)
        var written: Int64 = 0
        while written < bytes {
            let counts = (0..<recordValues).map { _ in
                Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) & 0x3FFF_FFFF)
            }
            let spectra = SpectraRecord(
                kind: "dark", scans: 1, integration: .milliseconds(10), firstPixel: 0,
                pixelStep: 1, maximumCount: 1, counts: counts)
            _ = try log.append([
                Record(
                    at: Clocks.now, wall: Clocks.wallTime, body: .spectra(spectra))
            ])
            written += Int64(recordValues * 4)
            if written % 4_000_000 < Int64(recordValues * 4) { try log.sync() }
            _ = log.maintain(at: Clocks.now)
        }
        try log.sync()
        try log.sealAll()
        log.close()
    }
}
