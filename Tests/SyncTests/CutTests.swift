import Foundation
import Glibc
import Numerics
import Quantities
import RunLog
import Sync
import TestSupport
import Testing
import World

import class World.Thread

/// Carries one connection after the other to a rig and cuts each after so many bytes.
final class CuttingProxy: @unchecked Sendable {
    private let listener: TCPListener
    private let target: NetworkAddress
    private let lock = NSLock()
    private var budgets: [Int]
    private var cutCount = 0
    private var isClosing = false
    private var thread: Thread?

    /// Cuts connection after connection at `budgets` bytes from the rig; when they are used up,
    /// no more.
    init(to target: NetworkAddress, cuttingAt budgets: [Int]) throws {
        self.target = target
        self.budgets = budgets.reversed()
        listener = try TCPListener(NetworkAddress(host: "127.0.0.1", port: 0))
        let me = Unmanaged.passUnretained(self)
        thread = try Thread.start(name: "proxy") { me.takeUnretainedValue().work() }
    }

    var address: NetworkAddress { NetworkAddress(host: "127.0.0.1", port: listener.port) }
    var cuts: Int { lock.withLock { cutCount } }

    func stop() {
        lock.withLock { isClosing = true }
        thread?.join()
    }

    private var closing: Bool { lock.withLock { isClosing } }

    private func work() {
        while !closing {
            guard let client = (try? listener.accept()) ?? nil else {
                Clocks.sleep(.milliseconds(1))
                continue
            }
            let budget = lock.withLock { budgets.popLast() }
            if let rig = try? TCPStream.connect(target, timeout: .seconds(5)) {
                carry(client, rig, budget ?? .max)
            }
        }
    }

    private func carry(_ client: TCPStream, _ rig: TCPStream, _ budget: Int) {
        var left = budget
        var up: [UInt8] = []
        var down: [UInt8] = []
        do {
            while !closing {
                var moved = try client.read(limit: 65_536) { up.append(contentsOf: $0) }
                if down.isEmpty {
                    moved += try rig.read(limit: min(65_536, left)) { down.append(contentsOf: $0) }
                }
                up.removeFirst(try rig.write(up[...]))
                let sent = try client.write(down[...])
                down.removeFirst(sent)
                left -= sent
                if left <= 0 {
                    lock.withLock { cutCount += 1 }
                    break
                }
                if moved == 0 { Clocks.sleep(.microseconds(200)) }
            }
        } catch {}
        client.close()
        rig.close()
    }
}

@Suite struct CutTests {
    /// Any byte may be the last of a connection: within the handshake, a listing, a piece, an
    /// acknowledgement. `ARGENT_CUTS=500` in the environment makes more of them than the usual 40.
    @Test func cutAnywhereAndGoneOnWith() throws {
        let own = try TLSIdentity()
        let rig = try ServedRig(accepting: [own.fingerprint], limits: PullTests.generous)
        for number in 1...3 { rig.segments.add(UInt64(number), size: 40_000) }
        var random = SeededGenerator(seed: 9)
        let count = Int(getenv("ARGENT_CUTS").map { String(cString: $0) } ?? "") ?? 40
        let budgets = (0..<count).map { _ in 1 + random.below(random.below(2) == 0 ? 2_000 : 9_000)
        }
        let proxy = try CuttingProxy(to: rig.address, cuttingAt: budgets)
        defer { proxy.stop() }
        let here = try TestFolder()
        var resumed: UInt64 = 0
        // Each cut ends one run: the next goes on with what is on the disk, as a new process.
        var runs = 0
        var finished: PullReport?
        while finished == nil, runs < count + 2 {
            let before = proxy.cuts
            var job = rig.job(own)
            job.address = proxy.address
            job.tries = 1
            let target = try PullFolder(directory: here.path, rig: "bench")
            let puller = Puller(job, into: target, check: FakeCheck(segments: rig.segments))
            do {
                finished = try puller.run()
                resumed += finished?.resumedBytes ?? 0
                // Everything came before all cuts were used: begin anew with what is left.
                if proxy.cuts < count, finished?.findings.isEmpty == true {
                    try verify(rig, here)
                    for name in try Files.list(here["bench"]) where name.hasPrefix("20") {
                        try FileManager.default.removeItem(atPath: here["bench/" + name])
                    }
                    try Files.remove(here["bench/pulled"])
                    finished = nil
                }
            } catch let error as PullError {
                #expect(error.isTransient, "\(error)")
                #expect(becomes { proxy.cuts > before })
                runs += 1
            }
        }
        #expect(proxy.cuts == count)
        #expect(finished?.findings.isEmpty == true)
        try verify(rig, here)
        print("\(proxy.cuts) cuts, \(runs) runs that ended early")
    }

    private func verify(_ rig: ServedRig, _ here: TestFolder) throws {
        for number in 1...3 as ClosedRange<UInt64> {
            let path = here["bench/2026-03-0\(number + 1)/07070707-0000000\(number).argentseg"]
            let entry = try #require(rig.segments.entry(number))
            let bytes = try Files.read(path, limit: 1 << 20)
            #expect(Digest.sha256(bytes) == Hexadecimal.text(entry.hash))
            #expect(
                rig.acknowledgements.has(
                    try TLSFingerprint.only(rig), segment: number, of: rig.segments.log))
        }
    }
}

enum TLSFingerprint {
    /// The one accepted peer of a rig.
    static func only(_ rig: ServedRig) throws -> Fingerprint {
        try rig.store.peers().first.orThrow("no peer").fingerprint
    }
}
